// What the API says about our slave and the master, as `services/console/api/models/push.py` has it.

export const GROUPS = ["instantaneous_total", "instantaneous_phases", "energy_total", "energy_phases"] as const;
export type Group = (typeof GROUPS)[number];

/** A value of a `[[master.slave]]`. */
export type Setting = boolean | number | string | string[];

export interface PushSlave {
  number: number;
  address: string;
  settings: Record<string, Setting>;
  enabled: boolean;
  name: string;
  url: string;
  meter: string;
  groups: string[];
  state: string;
  reason: string;
  pushed_age_ms: number | null;
  holds_age_ms: number | null;
  latency_us: number;
  pushes: number;
  failures: number;
  skipped: number;
  streak: number;
  exceptions: Record<string, number>;
  fingerprint: string;
}

export interface GroupRegisters {
  name: Group;
  enabled: boolean;
  first: number;
  last: number;
  registers: { address: number; name: string; unit: string }[];
}

export interface Push {
  enabled: boolean;
  running: boolean;
  interval_ms: number;
  values: "current" | "mean";
  /** Empty in the event `pushes`. */
  groups: GroupRegisters[];
  slaves: PushSlave[];
  most: number;
}

export interface Slave {
  enabled: boolean;
  tls: boolean;
  plain_alongside_tls: boolean;
  host: string;
  port: number;
  tls_port: number;
  plain_clients: string[];
  plain_connections: number;
  tls_connections: number;
  external_control: boolean;
  roles: Record<string, string>;
}

export interface Tested {
  ok: boolean;
  text: string;
}

/** The answer to every change of the settings file. */
export interface Applied {
  revision: string;
  restarts: string[];
  text: string;
  /** What somebody should think of, a sentence each. */
  warnings: string[];
}
