// The table of certificates: who waits, who is served, who is shut out, and the decision beside each.
import { useState } from "preact/hooks";
import { useMay } from "../api/session.ts";
import type { Certificate, Certificates } from "../api/models/certificates.ts";
import { ago, groups } from "../format.ts";
import { t, tn, word } from "../i18n/index.ts";
import { Button, Card, Loading, Notice } from "../ui/basics.tsx";
import { useLiveResource } from "../ui/hooks.ts";
import { Table, type Column } from "../ui/table.tsx";
import { AcceptDialog } from "./accept.tsx";
import { Details } from "./details.tsx";
import { block, remove, unblock } from "./end.ts";
import { Fingerprint, nameOf, Status, validity } from "./parts.tsx";

/** A change is shown well within a second; a flood of contacts asks twice a second at most. */
const GAP_MS = 400;
const SHORT = 16;

export function CertificateList({ id, tls }: { id?: string; tls?: boolean | undefined }) {
  const list = useLiveResource<Certificates>("certificates", "certificates", GAP_MS);
  const may = useMay("admin");
  const because = may ? undefined : t("may.admin");
  const [accepting, setAccepting] = useState<Certificate>();
  const [shown, setShown] = useState<string>();
  const rows = list.data?.certificates ?? [];
  const details = rows.find((row) => row.fingerprint === shown);
  const pending = rows.filter((row) => row.status === "pending").length;

  const end = async (work: Promise<boolean>): Promise<void> => {
    if (await work) await list.reload();
  };

  const decision = (row: Certificate) => {
    switch (row.status) {
      case "pending":
        return (
          <Button small kind="primary" icon="check" because={because} label={t("cert.accept.of", { name: nameOf(row) })} onClick={() => setAccepting(row)}>
            {t("cert.accept")}
          </Button>
        );
      case "accepted":
        return (
          <Button small kind="danger" icon="trash" because={because} label={t("cert.delete.of", { name: nameOf(row) })} onClick={() => end(remove(row))}>
            {t("cert.delete")}
          </Button>
        );
      case "ca":
        return (
          <Button small kind="danger" because={because} label={t("cert.block.of", { name: nameOf(row) })} onClick={() => end(block(row))}>
            {t("cert.block")}
          </Button>
        );
      case "blocked":
        return (
          <Button small because={because} label={t("cert.unblock.of", { name: nameOf(row) })} onClick={() => end(unblock(row))}>
            {t("cert.unblock")}
          </Button>
        );
    }
  };

  const columns: Column<Certificate>[] = [
    { key: "status", title: t("state"), cell: (row) => <Status of={row} /> },
    {
      key: "name",
      title: t("cert.name"),
      className: "certificate",
      cell: (row) => (
        <div class="stack">
          <strong class="name">{nameOf(row)}</strong>
          {row.label && <span class="hint name">{row.subject}</span>}
          {row.status === "pending" ? <Fingerprint of={row.fingerprint} /> : <span class="mono hint">{groups(row.fingerprint.slice(0, SHORT))} …</span>}
          <span class="hint">{t("cert.valid", { range: validity(row) })}</span>
          {[...(row.status === "pending" && row.reason.startsWith("same key") ? [row.reason] : []), ...row.flags].map((flag) => (
            <span class="flag">{flag}</span>
          ))}
        </div>
      ),
    },
    {
      key: "rights",
      title: t("cert.rights"),
      className: "roomy",
      cell: (row) => (
        <div class="stack">
          <span>{word("cert.grant.", row.grant)}</span>
          {row.role && <span class="hint">{t("cert.role.is", { role: row.role })}</span>}
        </div>
      ),
    },
    {
      key: "seen",
      title: t("cert.seen"),
      className: "roomy",
      cell: (row) => (
        <div class="stack">
          <span class="num">{row.addresses[0] ?? ""}</span>
          <span class="hint">{row.connections ? tn("cert.connections", row.connections) : ago(row.last_seen)}</span>
          <span class="hint">{word("cert.direction.", row.direction || "in")}</span>
        </div>
      ),
    },
    {
      key: "actions",
      title: t("actions"),
      silent: true,
      cell: (row) => (
        <div class="actions">
          {decision(row)}
          <Button small kind="quiet" icon="chevron" label={t("cert.details.of", { name: nameOf(row) })} onClick={() => setShown(row.fingerprint)} />
        </div>
      ),
    },
  ];

  return (
    <Card title={t("cert.title")} {...(id ? { id } : {})}>
      {list.error && <Notice tone="bad">{list.error}</Notice>}
      {list.data?.running === false && (
        <Notice tone="neutral">
          <p>{t("cert.away")}</p>
          <p class="hint">{t("cert.away.hint")}</p>
        </Notice>
      )}
      {list.data?.trouble && <Notice tone="warn">{list.data.trouble}</Notice>}
      {pending > 0 && <p class="hint">{tn("cert.waiting", pending)}</p>}
      {list.data ? (
        <Table
          caption={t("cert.table")}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.fingerprint}
          rowClass={(row) => row.status}
          empty={
            list.data.running ? (
              <>
                {t("cert.none")}
                <br />
                {t(tls === false ? "cert.none.plain" : "cert.none.hint")}
              </>
            ) : (
              t("cert.none")
            )
          }
        />
      ) : (
        !list.error && <Loading />
      )}
      {details && (
        <Details
          key={details.fingerprint}
          of={details}
          because={because}
          onClose={() => setShown(undefined)}
          onChanged={() => void list.reload()}
          onRights={() => {
            setShown(undefined);
            setAccepting(details);
          }}
        />
      )}
      {accepting && (
        <AcceptDialog
          key={accepting.fingerprint}
          of={accepting}
          onClose={(changed) => {
            setAccepting(undefined);
            if (changed) void list.reload();
          }}
        />
      )}
    </Card>
  );
}
