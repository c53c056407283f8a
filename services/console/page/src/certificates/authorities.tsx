// The folder of known authorities: whoever shows a certificate of one is served without a decision.
import { useState } from "preact/hooks";
import { del, post } from "../api/client.ts";
import type { Authorities, Authority } from "../api/models/certificates.ts";
import { useMay } from "../api/session.ts";
import { groups } from "../format.ts";
import { t, tn } from "../i18n/index.ts";
import { Button, Card, Field, Loading, Notice } from "../ui/basics.tsx";
import { useLiveResource } from "../ui/hooks.ts";
import { attempt } from "../ui/notes.tsx";
import { confirm, Dialog } from "../ui/overlays.tsx";
import { Table, type Column } from "../ui/table.tsx";
import { told } from "./end.ts";
import { PemField } from "./pem.tsx";
import { validity } from "./parts.tsx";

const said = ({ cut }: Authorities): void => {
  if (cut) told(cut, tn("ca.removed", cut.closed));
};

export function AuthorityFolder() {
  const folder = useLiveResource<Authorities>("authorities", "certificates", 1000);
  const because = useMay("admin") ? undefined : t("may.admin");
  const [adding, setAdding] = useState(false);

  const remove = async (file: string): Promise<void> => {
    if (!(await confirm(t("ca.remove.title"), `${file}. ${t("ca.remove.after")}`, t("ca.remove")))) return;
    if (await attempt(async () => said(await del<Authorities>(`authorities/${encodeURIComponent(file)}`)))) await folder.reload();
  };
  const reload = async (): Promise<void> => {
    const again = async (): Promise<void> => {
      const { cut } = await post<Authorities>("authorities/reload");
      if (cut) told(cut, t("ca.reloaded"));
    };
    if (await attempt(again)) await folder.reload();
  };

  const columns: Column<Authority>[] = [
    {
      key: "subject",
      title: t("cert.subject"),
      cell: (row) => (
        <div class="stack">
          <strong class="name">{row.subject || t("cert.unnamed")}</strong>
          <span class="mono hint">{groups(row.fingerprint)}</span>
        </div>
      ),
    },
    { key: "key", title: t("cert.key"), cell: (row) => row.key },
    { key: "validity", title: t("cert.validity"), cell: (row) => validity(row) },
    { key: "file", title: t("ca.file"), cell: (row) => <code>{row.file}</code> },
    {
      key: "actions",
      title: t("actions"),
      silent: true,
      cell: (row) => (
        <div class="actions">
          <Button small kind="danger" icon="trash" because={because} label={t("ca.remove.of", { name: row.subject })} onClick={() => remove(row.file)}>
            {t("ca.remove")}
          </Button>
        </div>
      ),
    },
  ];
  const { data } = folder;
  const running = data?.running ?? true;
  return (
    <Card
      title={t("ca.title")}
      actions={
        running && (
          <>
            <Button small icon="restart" because={because} onClick={reload}>
              {t("ca.reload")}
            </Button>
            <Button small icon="plus" because={because} onClick={() => setAdding(true)}>
              {t("ca.add")}
            </Button>
          </>
        )
      }
    >
      <p class="hint">{t("ca.intro")}</p>
      {folder.error && <Notice tone="bad">{folder.error}</Notice>}
      {data?.faults.length ? (
        <Notice tone="warn">
          <p>{t("ca.faults")}</p>
          <ul>
            {data.faults.map((fault) => (
              <li>{fault}</li>
            ))}
          </ul>
        </Notice>
      ) : null}
      {!data && !folder.error && <Loading />}
      {data && running && (
        <Table caption={t("ca.title")} columns={columns} rows={data.authorities} rowKey={(row) => row.fingerprint} empty={t("ca.none")} />
      )}
      {data && !running && <p class="empty">{t("cert.away")}</p>}
      {adding && (
        <AddAuthority
          onClose={(changed) => {
            setAdding(false);
            if (changed) void folder.reload();
          }}
        />
      )}
    </Card>
  );
}

function AddAuthority({ onClose }: { onClose: (changed: boolean) => void }) {
  const [name, setName] = useState("");
  const [pem, setPem] = useState("");
  const add = async (): Promise<void> => {
    if (await attempt(() => post("authorities", { name: name.trim(), pem }), t("ca.added"))) onClose(true);
  };
  return (
    <Dialog
      title={t("ca.add.title")}
      onClose={() => onClose(false)}
      actions={
        <>
          <Button onClick={() => onClose(false)}>{t("cancel")}</Button>
          <Button kind="primary" disabled={!name.trim() || !pem.trim()} onClick={add}>
            {t("add")}
          </Button>
        </>
      }
    >
      <Notice tone="warn">{t("ca.add.warning")}</Notice>
      <PemField label={t("ca.add.pem")} value={pem} onChange={setPem} />
      <Field label={t("ca.add.name")} hint={t("ca.add.name.hint")}>
        {(tie) => (
          <input {...tie} value={name} maxLength={64} spellcheck={false} autoComplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        )}
      </Field>
    </Dialog>
  );
}
