// The decision to let somebody in: compare the fingerprint, choose what it may do, give it a name.
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import type { Certificate, Grant } from "../api/models/certificates.ts";
import { t, word } from "../i18n/index.ts";
import { Button, Facts, Field, Notice } from "../ui/basics.tsx";
import { attempt } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";
import { compare } from "./compare.ts";
import { factsOf, Fingerprint, nameOf } from "./parts.tsx";

const GRANTS: readonly Grant[] = ["rw", "r"];

export function AcceptDialog({ of, onClose }: { of: Certificate; onClose: (changed: boolean) => void }) {
  const again = of.status === "accepted";
  const [grant, setGrant] = useState<Grant>(of.grant || "rw");
  const [label, setLabel] = useState(of.label);
  const [pasted, setPasted] = useState("");
  const compared = compare(of.fingerprint, pasted);

  const accept = async (): Promise<void> => {
    const done = await attempt(
      () => post(`certificates/${of.fingerprint}/accept`, { grant, label: label.trim() }),
      t(again ? "cert.changed" : "cert.accepted", { name: label.trim() || nameOf(of) }),
    );
    if (done) onClose(true);
  };

  return (
    <Dialog
      title={t(again ? "cert.change.title" : "cert.accept.title")}
      onClose={() => onClose(false)}
      actions={
        <>
          <Button onClick={() => onClose(false)}>{t("cancel")}</Button>
          <Button kind="primary" icon="check" onClick={accept} because={compared === "differs" ? t("cert.compare.differs") : undefined}>
            {t(again ? "cert.change.do" : "cert.accept.do")}
          </Button>
        </>
      }
    >
      {!again && (
        <>
          <p>{t("cert.accept.compare")}</p>
          <Fingerprint of={of.fingerprint} />
          <Field label={t("cert.compare")} hint={compared === "differs" ? undefined : word("cert.compare.", compared)} error={compared === "differs" ? t("cert.compare.differs") : undefined}>
            {(tie) => (
              <input
                {...tie}
                class="mono"
                value={pasted}
                autoComplete="off"
                spellcheck={false}
                onInput={(event) => setPasted(event.currentTarget.value)}
              />
            )}
          </Field>
        </>
      )}
      {of.flags.length > 0 && (
        <Notice tone="warn">
          <ul>
            {of.flags.map((flag) => (
              <li>{flag}</li>
            ))}
          </ul>
        </Notice>
      )}
      <Facts rows={factsOf(of)} />
      {of.direction === "out" ? (
        <p>{t("cert.accept.out")}</p>
      ) : (
        <fieldset class="form">
          <legend class="legend">{t("cert.accept.rights")}</legend>
          {GRANTS.map((one) => (
            <label class="choice">
              <input type="radio" name="grant" value={one} checked={grant === one} onChange={() => setGrant(one)} />
              <span>
                <strong>{t(`cert.accept.${one}`)}</strong>
                <br />
                <span class="hint">{t(`cert.accept.${one}.means`)}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <Field label={t("cert.accept.label")} hint={t("cert.accept.label.hint")}>
        {(tie) => <input {...tie} value={label} maxLength={64} onInput={(event) => setLabel(event.currentTarget.value)} />}
      </Field>
      {!again && <p class="hint">{t("cert.accept.pin")}</p>}
    </Dialog>
  );
}
