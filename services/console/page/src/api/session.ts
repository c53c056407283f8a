// Who is looking: nobody, somebody with the set-up code (sees, changes nothing), or a user with scopes.
import { createStore, useStore, type Readable } from "../store.ts";
import { get, post, put, del, setToken, whenSignedOut } from "./client.ts";
import type { Scope, Session } from "./models.ts";

const store = createStore<Session | undefined>(undefined);

export const session: Readable<Session | undefined> = store;

function take(next: Session): void {
  setToken(next.csrf ?? "");
  store.set(next);
}

export async function loadSession(): Promise<void> {
  take(await get<Session>("session"));
}

whenSignedOut(() => void loadSession().catch(() => undefined), loadSession);

/** With the set-up code: to see the values, before there is a password. */
export async function enterCode(code: string): Promise<void> {
  await post("session/code", { code });
  await loadSession();
}

export async function signIn(user: string, password: string): Promise<void> {
  await post("session", { user, password });
  await loadSession();
}

export async function signOut(): Promise<void> {
  await del("session");
  await loadSession();
}

export async function setPassword(next: string, current?: string): Promise<void> {
  await put("password", current === undefined ? { new: next } : { new: next, current });
  await loadSession();
}

const may = (who: Session | undefined, scope: Scope): boolean =>
  who?.state === "user" && (who.scopes.includes("admin") || who.scopes.includes(scope));

/** Whether the person at the screen may do what needs this scope: `read`, `operate` or `admin`. */
export const useMay = (scope: Scope): boolean => useStore(session, (who) => may(who, scope));
