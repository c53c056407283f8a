// What the API says about the settings file, as `services/console/api/models/settings.py` has it.

export type Plain = boolean | number | string | null | Plain[];

export interface Key {
  name: string;
  words: string;
  kind: "bool" | "int" | "float" | "text" | "choice" | "list" | "path" | "table" | "tables";
  wants: string;
  default: Plain;
  required: boolean;
  choices: (string | number)[];
  minimum: number | null;
  maximum: number | null;
  longest: number | null;
  pattern: string;
  keys: Key[];
}

export interface Value {
  /** Dotted: `slave.port`, `meter[2].modbus.host`. */
  key: string;
  value: Plain;
  /** Of the file; 0 for a default. */
  line: number;
  /** `line 3`, `default`, `not set`, or a variable of the environment. */
  origin: string;
}

export interface Settings {
  path: string;
  text: string;
  revision: string;
  writable: boolean;
  values: Value[];
  keys: Key[];
  error: string;
  pending: string;
  warnings: Mistake[];
}

/** What is wrong; among `warnings` what is not, and should be known all the same. */
export interface Mistake {
  line: number;
  key: string;
  text: string;
}

export interface Checked {
  errors: Mistake[];
  diff: string;
  restarts: string[];
  notes: string[];
  revision: string;
  /** The text that was checked: the draft with `set` put in. */
  text: string;
  /** Every key as that text means it; where it is wrong, as it has it; empty where it is no TOML. */
  values: Value[];
  warnings: Mistake[];
}

/** Event `settings`. */
export interface SettingsState {
  revision: string;
  error: string;
  pending: string;
}
