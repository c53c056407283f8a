// How the page talks to the gateway: JSON under /api/v1, a token with every change, and every failure as one sentence.
import { speaking, t } from "../i18n/index.ts";
import { again } from "./again.ts";

const BASE = "api/v1/";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What went wrong, in words for a person. `status` is 0 where the gateway could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly where: string;

  constructor(status: number, code: string, text: string, where = "") {
    super(text);
    this.status = status;
    this.code = code;
    this.where = where;
  }
}

let token = "";
let onSignedOut: (() => void) | undefined;
let renewToken: (() => Promise<void>) | undefined;

/** The session's token, which every change must carry; `signedOut` is called when the gateway knows it no more. */
export function setToken(csrf: string): void {
  token = csrf;
}

export function whenSignedOut(signedOut: () => void, renew: () => Promise<void>): void {
  onSignedOut = signedOut;
  renewToken = renew;
}

/** The address of something below the API, for links and downloads. */
export function address(path: string, query: Readonly<Record<string, string | number | boolean | undefined>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return BASE + path + (text && `?${text}`);
}

/** The headers of every request: what is wanted, and in the language that is shown, whatever the browser prefers. */
export const asking = (type: string): Record<string, string> => ({ Accept: type, "Accept-Language": speaking() });

/** The headers of a change, besides. */
export const changing = (): Record<string, string> => ({ "X-Metergate-Token": token });

export async function send(method: Method, url: string, body?: unknown, renews = true): Promise<Response> {
  const headers = asking("application/json");
  if (method !== "GET") Object.assign(headers, changing());
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const ask = (): Promise<Response> =>
    fetch(url, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  let response: Response;
  try {
    response = await (method === "GET" ? again(ask) : ask());
  } catch {
    throw new ApiError(0, "unreachable", t("error.unreachable"));
  }
  if (response.ok) return response;
  const error = await failure(response);
  if (error.code === "token" && renews && renewToken) {
    await renewToken(); // the console was started again, or another tab signed in
    return send(method, url, body, false);
  }
  if (error.code === "sign_in") onSignedOut?.();
  throw error;
}

/** The error of a response that is none of success. */
export async function failure(response: Response): Promise<ApiError> {
  try {
    const { error } = (await response.json()) as { error: { code: string; text: string; where?: string } };
    return new ApiError(response.status, error.code, error.text, error.where ?? "");
  } catch {
    return new ApiError(response.status, "http", t("error.status", { status: response.status }));
  }
}

async function json<T>(method: Method, url: string, body?: unknown): Promise<T> {
  const response = await send(method, url, body);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export const get = <T>(path: string, query?: Parameters<typeof address>[1]): Promise<T> =>
  json<T>("GET", address(path, query));
export const post = <T = void>(path: string, body: unknown = {}): Promise<T> => json<T>("POST", address(path), body);
export const put = <T = void>(path: string, body: unknown): Promise<T> => json<T>("PUT", address(path), body);
export const patch = <T = void>(path: string, body: unknown): Promise<T> => json<T>("PATCH", address(path), body);
export const del = <T = void>(path: string, query?: Parameters<typeof address>[1]): Promise<T> =>
  json<T>("DELETE", address(path, query));

/** The sentence of whatever was thrown. */
export function sentence(error: unknown): string {
  if (error instanceof ApiError) return error.code === "invalid" && error.where ? `${error.where}: ${error.message}` : begun(error.message);
  return error instanceof Error ? error.message : String(error);
}

/** The gateway says its reasons as part of a sentence; alone, one begins with a capital letter, unless it begins with a name. */
const begun = (text: string): string => text.replace(/^\p{Ll}+(?=[ ,])/u, (word) => word.charAt(0).toUpperCase() + word.slice(1));
