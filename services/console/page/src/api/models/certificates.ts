// What the API says about certificates, as `services/console/api/models/certificates.py` has it. Texts of a certificate
// come from strangers: they are only ever shown as text.

export type Grant = "rw" | "r";
export type KeyKind = "ec" | "rsa";

export interface Certificate {
  /** SHA-256, hex: its identity. */
  fingerprint: string;
  groups: string[];
  status: "pending" | "accepted" | "ca" | "blocked";
  grant: Grant | "";
  label: string;
  subject: string;
  role: string;
  key: string;
  not_before: string;
  not_after: string;
  direction: string;
  first_seen: string;
  last_seen: string;
  addresses: string[];
  authority: string;
  reason: string;
  decided_at: string;
  decided_by: string;
  connections: number;
  flags: string[];
}

export interface Certificates {
  certificates: Certificate[];
  running: boolean;
  trouble: string;
}

export interface CertificateInFull extends Certificate {
  issuer: string;
  names: string[];
  serial: string;
  is_ca: boolean;
  self_signed: boolean;
  pem: string;
}

export interface Closed {
  closed: number;
  confirmed: boolean;
  text: string;
}

export interface OwnCertificate {
  kind: KeyKind;
  fingerprint: string;
  groups: string[];
  subject: string;
  issuer: string;
  names: string[];
  key: string;
  role: string;
  not_before: string;
  not_after: string;
  self_signed: boolean;
  chain: number;
}

export interface Own {
  certificates: OwnCertificate[];
  running: boolean;
}

export interface SigningRequest {
  kind: KeyKind;
  pem: string;
}

export interface Authority {
  fingerprint: string;
  groups: string[];
  subject: string;
  not_before: string;
  not_after: string;
  key: string;
  file: string;
}

export interface Authorities {
  authorities: Authority[];
  faults: string[];
  folder: string;
  running: boolean;
  cut: Closed | null;
}
