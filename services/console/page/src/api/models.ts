// What the API says about who asks, the meter, registers, processes, the bus, and events. Mirrors, name by name, the
// structs of `services/console/api/models`, where each field is explained.

export type Scope = "view" | "read" | "operate" | "admin";
/** A scope that can be given to a user or a token. */
export type Grantable = Exclude<Scope, "view">;

export interface Gateway {
  version: string;
  host: string;
  https: boolean;
  simulated: boolean;
  fingerprint: string;
  time: string;
}

export interface Session {
  state: "none" | "viewer" | "user";
  password_set: boolean;
  trouble: string;
  user: string;
  scopes: Scope[];
  csrf: string;
  expires: string;
  gateway: Gateway | null;
}

export interface OpenSession {
  id: string;
  user: string;
  address: string;
  agent: string;
  created: string;
  used: string;
  expires: string;
  own: boolean;
}

export interface User {
  name: string;
  scopes: Scope[];
  created: string;
  own: boolean;
}

export interface Token {
  id: string;
  name: string;
  scopes: Scope[];
  created: string;
  created_by: string;
  used: string;
}

export interface MadeToken {
  token: Token;
  secret: string;
}

export interface Meter {
  id: string;
  unit: number;
  source: string;
  simulated: boolean;
  cycle_ms: number;
  stale_after_ms: number;
}

export interface Flow {
  grid: number | null;
  house: number | null;
  solar: number | null;
  battery: number | null;
  battery_soc: number | null;
  wallbox: number | null;
  derived: string[];
}

export interface Live {
  meter: string;
  time: string;
  time_ms: number;
  age_ms: number | null;
  stale: boolean;
  stale_after_ms: number;
  connected: boolean | null;
  reason: string;
  source: string;
  simulated: boolean;
  period_ms: number;
  values: Partial<Record<string, number>>;
  unmeasured: string[];
  derived: string[];
  counters: Partial<Record<string, number>>;
  flow: Flow;
  identity: Partial<Record<string, string>>;
}

export interface Series {
  meter: string;
  t: number[];
  columns: Partial<Record<string, (number | null)[]>>;
  step_ms: number;
}

export interface DayEnergy {
  meter: string;
  days: string[];
  columns: Partial<Record<string, (number | null)[]>>;
  zone: string;
}

export interface Register {
  address: number;
  count: number;
  name: string;
  obis: string;
  type: string;
  unit: string;
  scale: string;
  access: string;
  group: string;
  row_class: string;
  words: string[];
  value: number | string | null;
  state: "ok" | "stale" | "unknown" | "absent";
  note: string;
}

export interface Registers {
  meter: string;
  unit: number;
  age_ms: number | null;
  stale: boolean;
  groups: string[];
  registers: Register[];
}

export interface Process {
  name: string;
  role: string;
  supervisor: string;
  state: string;
  pid: number;
  restarts: number;
  asked: number;
  uptime_ms: number | null;
  rss_kib: number;
  cpu_ms: number;
  cpu_percent: number | null;
  queue: number | null;
  pending: number | null;
  missed: number | null;
  reason: string;
}

export interface Processes {
  processes: Process[];
  silent: string[];
}

export interface TapMessage {
  time_ms: number;
  topic: string;
  kind: string;
  instance: string;
  seq: number;
  size: number;
  text: string;
  missed: number;
}

export interface GatewayEvent {
  id: number;
  time: string;
  time_ms: number;
  instance: string;
  kind: string;
  level: string;
  text: string;
  data: Record<string, string | number | boolean>;
}

export interface Events {
  events: GatewayEvent[];
  last: number;
  since: string;
}

export interface AuditRecord {
  owner: string;
  seq: number;
  time: string;
  by: string;
  what: string;
  target: string;
  result: string;
  fingerprint: string;
  label: string;
  address: string;
  role: string;
}

export interface Audit {
  records: AuditRecord[];
  faults: string[];
}

/** Event `certificates` of the stream: the list is another one now. */
export interface CertificatesChanged {
  pending: number;
  accepted: number;
}

/** Event `settings` of the stream. */
export interface SettingsState {
  revision: string;
  error: string;
  pending: string;
}

/** The answer to a change that needs no more words, or some. */
export interface Done {
  text: string;
}
