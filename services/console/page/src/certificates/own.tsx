// With what we introduce ourselves: shown, given away, renewed with a warning, signed by an authority.
import { useMemo, useState } from "preact/hooks";
import { address, post } from "../api/client.ts";
import type { KeyKind, Own, OwnCertificate, SigningRequest } from "../api/models/certificates.ts";
import { useMay } from "../api/session.ts";
import { NOTHING } from "../format.ts";
import { t, word } from "../i18n/index.ts";
import { Button, Card, Facts, Field, Loading, Notice } from "../ui/basics.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { useLiveResource } from "../ui/hooks.ts";
import { Icon } from "../ui/icons.tsx";
import { attempt } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";
import { Fingerprint, validity } from "./parts.tsx";
import { PemField } from "./pem.tsx";

type Asked = "renew" | "csr" | "import";

export function OwnCertificates() {
  const own = useLiveResource<Own>("own", "certificates", 1000);
  const because = useMay("admin") ? undefined : t("may.admin");
  const [asked, setAsked] = useState<Asked>();
  const { data } = own;
  const close = (changed: boolean): void => {
    setAsked(undefined);
    if (changed) void own.reload();
  };
  return (
    <Card
      title={t("own.title")}
      actions={
        data?.running && (
          <>
            <a class="button small" href={address("own/export")} download="metergate.pem">
              <Icon name="download" size={18} />
              {t("own.download.all")}
            </a>
            <Button small because={because} onClick={() => setAsked("csr")}>
              {t("own.csr")}
            </Button>
            <Button small because={because} onClick={() => setAsked("import")}>
              {t("own.import")}
            </Button>
            <Button small kind="danger" because={because} onClick={() => setAsked("renew")}>
              {t("own.renew")}
            </Button>
          </>
        )
      }
    >
      <p class="hint">{t("own.intro")}</p>
      {own.error && <Notice tone="bad">{own.error}</Notice>}
      {!data && !own.error && <Loading />}
      {data && !data.running && <p class="empty">{t("cert.away")}</p>}
      <div class="columns">
        {data?.certificates.map((one) => (
          <One of={one} />
        ))}
      </div>
      {asked === "renew" && <Renew onClose={close} />}
      {asked === "csr" && <Request onClose={() => close(false)} />}
      {asked === "import" && <Import onClose={close} />}
    </Card>
  );
}

function One({ of }: { of: OwnCertificate }) {
  return (
    <section class="sub" aria-label={of.key}>
      <div class="card-head">
        <h3>{of.key}</h3>
        <a class="button small quiet" href={address("own/export", { kind: of.kind })} download={`metergate-${of.kind}.pem`}>
          <Icon name="download" size={18} />
          {t("own.download")}
          <span class="sr-only"> {of.key}</span>
        </a>
      </div>
      <div class="fingerprint-row">
        <Fingerprint of={of.fingerprint} />
        <CopyButton text={of.fingerprint} label={t("cert.fingerprint.copy")} />
      </div>
      <Facts
        rows={[
          [t("cert.subject"), of.subject],
          [t("cert.issuer"), of.self_signed ? t("own.self") : of.issuer],
          [t("cert.names"), of.names.join(", ") || NOTHING],
          [t("cert.validity"), validity(of)],
          [t("cert.role"), of.role || t("cert.role.none")],
        ]}
      />
    </section>
  );
}

const KINDS: readonly KeyKind[] = ["ec", "rsa"];

function KindField({ value, onChange, both }: { value: KeyKind | ""; onChange: (kind: KeyKind | "") => void; both?: boolean }) {
  return (
    <Field label={t("own.renew.which")}>
      {(tie) => (
        <select {...tie} value={value} onChange={(event) => onChange(event.currentTarget.value as KeyKind | "")}>
          {both && <option value="">{t("own.renew.both")}</option>}
          {KINDS.map((kind) => (
            <option value={kind}>{word("own.kind.", kind)}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Renew({ onClose }: { onClose: (changed: boolean) => void }) {
  const [kind, setKind] = useState<KeyKind | "">("");
  const [sure, setSure] = useState(false);
  const renew = async (): Promise<void> => {
    if (await attempt(() => post<Own>("own/renew", kind ? { kind } : {}), t("own.renewed"))) onClose(true);
  };
  return (
    <Dialog
      title={t("own.renew.title")}
      onClose={() => onClose(false)}
      actions={
        <>
          <Button onClick={() => onClose(false)}>{t("cancel")}</Button>
          <Button kind="danger" disabled={!sure} onClick={renew}>
            {t("own.renew.do")}
          </Button>
        </>
      }
    >
      <Notice tone="warn">{t("own.renew.warning")}</Notice>
      <KindField value={kind} onChange={setKind} both />
      <label class="check">
        <input type="checkbox" checked={sure} onChange={(event) => setSure(event.currentTarget.checked)} />
        <span>{t("own.renew.confirm")}</span>
      </label>
    </Dialog>
  );
}

function Request({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<KeyKind | "">("ec");
  const [made, setMade] = useState<SigningRequest>();
  const make = (): Promise<boolean> => attempt(async () => setMade(await post<SigningRequest>("own/csr", { kind })));
  const file = useMemo(() => (made ? URL.createObjectURL(new Blob([made.pem])) : ""), [made]);
  return (
    <Dialog title={t("own.csr.title")} onClose={onClose} actions={<Button onClick={onClose}>{t("close")}</Button>}>
      <p>{t("own.csr.intro")}</p>
      <KindField value={kind} onChange={setKind} />
      <Button kind="primary" onClick={make}>
        {t("own.csr.make")}
      </Button>
      {made && (
        <>
          <pre class="block" tabIndex={0} aria-label={t("own.csr.title")}>
            {made.pem}
          </pre>
          <div class="actions">
            <CopyButton text={made.pem} label={t("copy")} />
            <a class="button" href={file} download={`metergate-${made.kind}.csr`}>
              <Icon name="download" size={18} />
              {t("own.download")}
            </a>
          </div>
        </>
      )}
    </Dialog>
  );
}

function Import({ onClose }: { onClose: (changed: boolean) => void }) {
  const [chain, setChain] = useState("");
  const [key, setKey] = useState("");
  const take = async (): Promise<void> => {
    if (await attempt(() => post<Own>("own/import", key.trim() ? { chain, key } : { chain }), t("own.imported"))) onClose(true);
  };
  return (
    <Dialog
      title={t("own.import.title")}
      onClose={() => onClose(false)}
      actions={
        <>
          <Button onClick={() => onClose(false)}>{t("cancel")}</Button>
          <Button kind="primary" disabled={!chain.trim()} onClick={take}>
            {t("own.import")}
          </Button>
        </>
      }
    >
      <p>{t("own.import.intro")}</p>
      <PemField label={t("own.import.chain")} value={chain} onChange={setChain} />
      {isSecureContext ? (
        <details>
          <summary>{t("own.import.key.other")}</summary>
          <Field label={t("own.import.key")} hint={t("own.import.key.hint")}>
            {(tie) => (
              <textarea
                {...tie}
                class="mono secret"
                rows={4}
                value={key}
                maxLength={20_000}
                spellcheck={false}
                autoComplete="off"
                onInput={(event) => setKey(event.currentTarget.value)}
              />
            )}
          </Field>
        </details>
      ) : (
        <p class="hint">{t("own.import.key.plain")}</p>
      )}
    </Dialog>
  );
}
