// What the API says, as `services/console/api/models.py` has it.

export type Scope = "read" | "operate" | "admin";

export interface Session {
  state: "none" | "viewer" | "user";
  password_set: boolean;
  user: string | null;
  scopes: Scope[];
  csrf: string | null;
  version: string;
  https: boolean;
  simulated: boolean;
  first_run: boolean;
}
