// Who is looking: nobody, somebody with the set-up code (sees, changes nothing), or a user with scopes.
import { t } from "../i18n/index.ts";
import { createStore, useStore, type Readable } from "../store.ts";
import { del, get, post, put, setToken, whenSignedOut } from "./client.ts";
import type { Scope, Session } from "./models.ts";

const store = createStore<Session | undefined>(undefined);

export const session: Readable<Session | undefined> = store;

function take(next: Session): void {
  setToken(next.csrf);
  store.set(next);
}

export async function loadSession(): Promise<void> {
  take(await get<Session>("session"));
}

whenSignedOut(() => void loadSession().catch(() => undefined), loadSession);

/** With the set-up code: to see the values, before there is a password. */
export async function enterCode(code: string): Promise<void> {
  take(await post<Session>("session/code", { code }));
}

export async function signIn(user: string, password: string): Promise<void> {
  take(await post<Session>("session", { user, password }));
}

export async function signOut(): Promise<void> {
  await del("session");
  await loadSession();
}

/** The first password, which also names its user. */
export async function setFirstPassword(user: string, password: string): Promise<void> {
  take(await put<Session>("password", { user, new: password }));
}

/** `revoke`: the API tokens that this user made end as well. */
export async function changePassword(current: string, next: string, revoke: boolean): Promise<void> {
  take(await put<Session>("password", { current, new: next, revoke_tokens: revoke }));
}

/** Whether the person at the screen may do what needs this scope. */
export const useMay = (scope: Scope): boolean => useStore(session, (who) => Boolean(who?.scopes.includes(scope)));

/** Why not, in words, for `because` of a button or switch; undefined where they may. */
export function useWhyNot(scope: Scope): string | undefined {
  const may = useMay(scope);
  const viewer = useStore(session, (who) => who?.state === "viewer");
  if (may) return undefined;
  return viewer ? t("may.password") : scope === "admin" ? t("may.admin") : t("may.operate");
}
