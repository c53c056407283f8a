// The decisions that end something: each says before what it cuts, and afterwards what it cut.
import { del, get, post, sentence } from "../api/client.ts";
import type { Certificate, CertificateInFull, Closed } from "../api/models/certificates.ts";
import { t, tn } from "../i18n/index.ts";
import { attempt, toast } from "../ui/notes.tsx";
import { confirm } from "../ui/overlays.tsx";
import { nameOf } from "./parts.tsx";

/** How many connections it has now, asked anew: the list may be a second old. */
async function cuts(of: Certificate): Promise<string> {
  const now = await get<CertificateInFull>(`certificates/${of.fingerprint}`).catch(() => of);
  return now.connections ? tn("cert.delete.cuts", now.connections) : t("cert.delete.cuts_none");
}

/** Says what was cut, or what is not known of it. */
export function told(closed: Closed, done: string): void {
  if (closed.confirmed) toast(done);
  else toast(closed.text || done, "bad");
}

/** Resolves to whether something changed. */
export async function remove(of: Certificate): Promise<boolean> {
  const after = of.authority ? t("cert.delete.ca") : t("cert.delete.after");
  if (!(await confirm(t("cert.delete.title"), `${nameOf(of)}. ${await cuts(of)} ${after}`, t("cert.delete")))) return false;
  return cut(() => del<Closed>(`certificates/${of.fingerprint}`), of.authority ? "cert.blocked" : "cert.deleted", of);
}

export async function block(of: Certificate): Promise<boolean> {
  const text = `${nameOf(of)}. ${await cuts(of)} ${t("cert.block.after")}`;
  if (!(await confirm(t("cert.block.title"), text, t("cert.block")))) return false;
  return cut(() => post<Closed>(`certificates/${of.fingerprint}/block`), "cert.blocked", of);
}

async function cut(work: () => Promise<Closed>, stem: "cert.deleted" | "cert.blocked", of: Certificate): Promise<boolean> {
  try {
    const closed = await work();
    told(closed, tn(stem, closed.closed, { name: nameOf(of) }));
  } catch (error) {
    toast(sentence(error), "bad");
  }
  return true; // also where it is not confirmed: the list says how it stands
}

export async function unblock(of: Certificate): Promise<boolean> {
  if (!(await confirm(t("cert.unblock.title"), `${nameOf(of)}. ${t("cert.unblock.after")}`, t("cert.unblock"), false))) return false;
  return attempt(() => post(`certificates/${of.fingerprint}/unblock`), t("cert.unblocked", { name: nameOf(of) }));
}

export const dismiss = (of: Certificate): Promise<boolean> =>
  attempt(() => post(`certificates/${of.fingerprint}/dismiss`), t("cert.dismissed", { name: nameOf(of) }));
