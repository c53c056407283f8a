// All that a certificate says, and the decisions that are rarely needed.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import type { Certificate, CertificateInFull } from "../api/models/certificates.ts";
import { dateTime, NOTHING } from "../format.ts";
import { t, tn, word } from "../i18n/index.ts";
import { Button, Facts, Field, Notice } from "../ui/basics.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { useResource } from "../ui/hooks.ts";
import { attempt } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";
import { block, dismiss } from "./end.ts";
import { factsOf, Fingerprint, nameOf, Status } from "./parts.tsx";

export interface DetailsProps {
  of: Certificate;
  /** Why nothing can be changed; empty where it can. */
  because: string | undefined;
  onClose: () => void;
  onChanged: () => void;
  /** Asks for other rights. */
  onRights: () => void;
}

export function Details({ of, because, onClose, onChanged, onRights }: DetailsProps) {
  const { data } = useResource<CertificateInFull>(`certificates/${of.fingerprint}`);
  const [label, setLabel] = useState(of.label);
  const decided = of.status === "accepted" || of.status === "blocked";
  const end = async (work: (of: Certificate) => Promise<boolean>): Promise<void> => {
    onClose(); // a question that follows stands alone
    if (await work(of)) onChanged();
  };
  const rename = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await attempt(() => post(`certificates/${of.fingerprint}/label`, { label: label.trim() }), t("cert.renamed"))) onChanged();
  };

  return (
    <Dialog
      title={nameOf(of)}
      wide
      onClose={onClose}
      actions={
        <>
          {of.status === "pending" && (
            <Button because={because} onClick={() => end(dismiss)}>
              {t("cert.dismiss")}
            </Button>
          )}
          {of.status === "accepted" && of.direction !== "out" && (
            <Button because={because} onClick={onRights}>
              {t("cert.change")}
            </Button>
          )}
          {of.status === "accepted" && of.authority && (
            <Button kind="danger" because={because} onClick={() => end(block)}>
              {t("cert.block")}
            </Button>
          )}
          <Button onClick={onClose}>{t("close")}</Button>
        </>
      }
    >
      <div class="actions">
        <Status of={of} />
        <span>{of.reason}</span>
      </div>
      {of.flags.map((flag) => (
        <Notice tone="warn">{flag}</Notice>
      ))}
      <div class="fingerprint-row">
        <Fingerprint of={of.fingerprint} />
        <CopyButton text={of.fingerprint} label={t("cert.fingerprint.copy")} />
      </div>
      {decided && (
        <form class="inline-form" onSubmit={rename}>
          <Field label={t("cert.label")}>
            {(tie) => (
              <input
                {...tie}
                value={label}
                maxLength={64}
                disabled={Boolean(because)}
                onInput={(event) => setLabel(event.currentTarget.value)}
              />
            )}
          </Field>
          <Button type="submit" because={because} disabled={label.trim() === of.label}>
            {t("cert.rename")}
          </Button>
        </form>
      )}
      <Facts
        rows={[
          [t("cert.rights"), word("cert.grant.", of.grant)],
          [t("cert.connections"), of.connections ? tn("cert.connections", of.connections) : t("none")],
          ...factsOf(of),
          ...(of.decided_at ? [[t("cert.decided"), t("cert.decided.by", { when: dateTime(of.decided_at), who: of.decided_by })] as const] : []),
          ...(data
            ? ([
                [t("cert.issuer"), data.issuer || NOTHING],
                [t("cert.names"), data.names.join(", ") || NOTHING],
                [t("cert.serial"), data.serial || NOTHING],
              ] as const)
            : []),
        ]}
      />
      {data && (
        <details>
          <summary>{t("cert.pem")}</summary>
          <pre class="block" tabIndex={0} aria-label={t("cert.pem")}>
            {data.pem}
          </pre>
        </details>
      )}
    </Dialog>
  );
}
