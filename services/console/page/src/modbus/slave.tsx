// Our own slave: whether it serves, on which port, how many are connected.
import { patch } from "../api/client.ts";
import type { Applied, Slave } from "../api/models/push.ts";
import { t, tn } from "../i18n/index.ts";
import { link } from "../router.ts";
import { Card, Loading, Notice, Switch } from "../ui/basics.tsx";
import type { Resource } from "../ui/hooks.ts";
import { change as apply } from "../ui/notes.tsx";
import { confirm } from "../ui/overlays.tsx";
import { Encryption } from "./encryption.tsx";

export function SlaveCard({ slave, because }: { slave: Resource<Slave>; because: string | undefined }) {
  const { data } = slave;
  const change = async (enabled: boolean): Promise<void> => {
    if (!enabled && !(await confirm(t("modbus.slave.stop.title"), t("modbus.slave.stop.text"), t("modbus.slave.stop.do")))) return;
    await apply(() => patch<Applied>("slave", { enabled }), t("modbus.changed"));
    await slave.reload();
  };
  const open = data ? data.plain_connections + data.tls_connections : 0;
  return (
    <Card title={t("modbus.slave.title")}>
      <p class="hint">{t("modbus.slave.intro")}</p>
      {slave.error && <Notice tone="bad">{slave.error}</Notice>}
      {!data && !slave.error && <Loading />}
      {data && (
        <>
          <Switch
            label={t("modbus.slave.enabled")}
            hint={
              data.enabled ? (
                <>
                  {ports(data).join("; ")}. {tn("modbus.slave.connections", open)}. <a href={link("clients")}>{t("modbus.slave.clients")}</a>
                </>
              ) : (
                t("modbus.slave.off")
              )
            }
            checked={data.enabled}
            because={because}
            onChange={change}
          />
          {data.enabled && <Encryption slave={data} because={because} onChanged={slave.reload} />}
        </>
      )}
    </Card>
  );
}

function ports(slave: Slave): string[] {
  const [plain, port] = [String(slave.port), String(slave.tls_port)];
  if (!slave.tls) return [t("modbus.slave.plain", { port: plain })];
  const encrypted = t("modbus.slave.encrypted", { port });
  return slave.plain_alongside_tls ? [encrypted, t("modbus.slave.plain.readonly", { port: plain })] : [encrypted];
}
