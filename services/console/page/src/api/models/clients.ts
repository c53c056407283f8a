// What the API says about connections, as `services/console/api/models/clients.py` has it.

export interface Client {
  instance: string;
  peer: string;
  address: string;
  tls: boolean;
  protocol: string;
  label: string;
  fingerprint: string;
  role: string;
  connected_ms: number | null;
  asked_ms: number | null;
  requests: number;
  exceptions: number;
  rate: number | null;
  unit: number | null;
  function: number | null;
  start: number | null;
  count: number | null;
  paused: boolean;
}

export interface SlaveCounters {
  instance: string;
  port: number;
  connections: number;
  accepted: number;
  refused: number;
  requests: number;
  exceptions: number;
  framing_errors: number;
  rate: number | null;
  paused: string[];
}

/** GET /clients, and the event `sessions`. */
export interface Clients {
  clients: Client[];
  slaves: SlaveCounters[];
}

export interface Steered {
  connections: number;
  text: string;
}
