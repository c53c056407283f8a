// Who is signed in now, and how to end that.
import { del } from "../../api/client.ts";
import type { OpenSession } from "../../api/models.ts";
import { loadSession } from "../../api/session.ts";
import { ago, dateTime, NOTHING } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { Badge, Button, Card, Notice } from "../../ui/basics.tsx";
import { useResource } from "../../ui/hooks.ts";
import { attempt } from "../../ui/notes.tsx";
import { Table } from "../../ui/table.tsx";
import { agentWords } from "./agent.ts";

export function Sessions() {
  const { data, error, reload } = useResource<{ sessions: OpenSession[] }>("sessions");
  const end = async (one: OpenSession): Promise<void> => {
    if (await attempt(() => del(`sessions/${one.id}`), t("account.session.ended"))) {
      await (one.own ? loadSession() : reload());
    }
  };
  return (
    <Card title={t("account.sessions")}>
      {error && <Notice tone="bad">{error}</Notice>}
      {data && (
        <Table
          caption={t("account.sessions")}
          rows={data.sessions}
          rowKey={(row) => row.id}
          empty={NOTHING}
          columns={[
            {
              key: "user",
              title: t("sign.user"),
              cell: (row) => (
                <>
                  {row.user || t("account.viewer")} {row.own && <Badge tone="info">{t("account.this")}</Badge>}
                </>
              ),
            },
            { key: "address", title: t("address"), className: "mono address", cell: (row) => row.address },
            { key: "agent", title: t("account.agent"), className: "said", cell: (row) => <span title={row.agent}>{agentWords(row.agent) || NOTHING}</span> },
            { key: "used", title: t("account.used"), cell: (row) => ago(row.used) },
            { key: "expires", title: t("account.until"), cell: (row) => dateTime(row.expires) },
            {
              key: "end",
              title: t("actions"),
              silent: true,
              cell: (row) => (
                <div class="actions">
                  <Button small kind="danger" onClick={() => end(row)}>
                    {t("account.session.end")}
                  </Button>
                </div>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}
