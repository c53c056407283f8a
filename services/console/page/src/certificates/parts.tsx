// What every view of a certificate is made of: its state, its name, its fingerprint for comparing by eye.
import type { Certificate } from "../api/models/certificates.ts";
import { dateTime, day, groups, NOTHING } from "../format.ts";
import { t, word } from "../i18n/index.ts";
import { Badge, type Tone } from "../ui/basics.tsx";

const TONES: Record<Certificate["status"], Tone> = { pending: "bad", accepted: "good", ca: "good", blocked: "bad" };

/** Red cross or green tick, and the word. */
export const Status = ({ of }: { of: Certificate }) => <Badge tone={TONES[of.status]}>{word("cert.status.", of.status)}</Badge>;

/** What a person calls it: the owner's name for it, else what it says of itself. */
export const nameOf = (of: Pick<Certificate, "label" | "subject">): string => of.label || of.subject || t("cert.unnamed");

/** Groups of four, in lines of four groups: short enough to hold one in mind while looking at the other screen. */
export function Fingerprint({ of }: { of: string }) {
  return (
    <ol class="fingerprint mono" aria-label={t("cert.fingerprint")}>
      {groups(of)
        .split(" ")
        .map((group) => (
          <li>{group}</li>
        ))}
    </ol>
  );
}

export const validity = (of: { not_before: string; not_after: string }): string =>
  t("cert.validity.range", { from: day(of.not_before), to: day(of.not_after) });

/** Names and values of everything that a row says. */
export function factsOf(of: Certificate): [string, string][] {
  return [
    [t("cert.subject"), of.subject || t("cert.unnamed")],
    [t("cert.key"), of.key || NOTHING],
    [t("cert.validity"), validity(of)],
    [t("cert.role"), of.role || t("cert.role.none")],
    [t("cert.direction"), of.direction ? word("cert.direction.", of.direction) : NOTHING],
    [t("cert.addresses"), of.addresses.join(", ") || NOTHING],
    [t("cert.first"), dateTime(of.first_seen)],
    [t("cert.last"), dateTime(of.last_seen)],
  ];
}
