// The encryption switch, which says before it is thrown which port closes and who is connected there now.
import { useState } from "preact/hooks";
import { get, patch } from "../api/client.ts";
import type { Applied, Slave } from "../api/models/push.ts";
import type { Clients } from "../api/models/clients.ts";
import { t, tn } from "../i18n/index.ts";
import { Button, Notice, Switch } from "../ui/basics.tsx";
import { attempt, change as apply } from "../ui/notes.tsx";
import { Dialog } from "../ui/overlays.tsx";

/** How many of those who are cut are named. */
const NAMED = 12;

interface Cut {
  port: number;
  count: number;
  /** By name or address, with the number of connections. */
  who: [string, number][];
}

/** Who is connected on the port that will close; asked anew when the question is put. */
async function whoIsCut(slave: Slave): Promise<Cut> {
  const { clients } = await get<Clients>("clients");
  const concerned = clients.filter((client) => client.tls === slave.tls);
  const counts = new Map<string, number>();
  for (const client of concerned) {
    const name = client.label ? `${client.label} (${client.address})` : client.address;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const known = slave.tls ? slave.tls_connections : slave.plain_connections;
  return {
    port: slave.tls ? slave.tls_port : slave.port,
    count: Math.max(known, concerned.length),
    who: [...counts].sort(([a], [b]) => a.localeCompare(b)),
  };
}

export interface EncryptionProps {
  slave: Slave;
  because: string | undefined;
  onChanged: () => Promise<void>;
}

export function Encryption({ slave, because, onChanged }: EncryptionProps) {
  const [cut, setCut] = useState<Cut>();
  const [alongside, setAlongside] = useState(false);
  const { tls, port: plain, tls_port: port } = slave;
  const hint = tls
    ? t(slave.plain_alongside_tls ? "modbus.encryption.on.readonly" : "modbus.encryption.on", { port: String(port), plain: String(plain) })
    : t("modbus.encryption.off", { plain: String(plain) });

  const ask = (): Promise<boolean> =>
    attempt(async () => {
      const fresh = await get<Slave>("slave");
      setAlongside(false);
      setCut(await whoIsCut(fresh));
    });
  const change = async (body: Partial<Slave>): Promise<boolean> => {
    const done = await apply(() => patch<Applied>("slave", body), t("modbus.changed"));
    await onChanged();
    return done;
  };
  const throwSwitch = async (): Promise<void> => {
    if (await change(tls ? { tls: false, plain_alongside_tls: false } : { tls: true, plain_alongside_tls: alongside })) setCut(undefined);
  };

  return (
    <>
      <Switch label={t("modbus.encryption")} hint={hint} checked={tls} because={because} onChange={ask} />
      {tls && (
        <Switch
          label={t("modbus.encryption.alongside", { plain: String(plain) })}
          hint={t("modbus.encryption.start.alongside.means")}
          checked={slave.plain_alongside_tls}
          because={because}
          onChange={(on) => change({ plain_alongside_tls: on })}
        />
      )}
      {cut && (
        <Dialog
          title={t(tls ? "modbus.encryption.stop.title" : "modbus.encryption.start.title")}
          onClose={() => setCut(undefined)}
          actions={
            <>
              <Button onClick={() => setCut(undefined)}>{t("cancel")}</Button>
              <Button kind={tls ? "danger" : "primary"} onClick={throwSwitch}>
                {t(tls ? "modbus.encryption.stop.do" : "modbus.encryption.start.do")}
              </Button>
            </>
          }
        >
          <p>
            {tls || !alongside
              ? t(tls ? "modbus.encryption.stop.closes" : "modbus.encryption.start.closes", { port: String(port), plain: String(plain) })
              : t("modbus.encryption.on.readonly", { port: String(port), plain: String(plain) })}
          </p>
          <Notice tone={cut.count && !alongside ? "warn" : "neutral"}>
            {cut.count ? (
              <>
                <p>{tn(alongside ? "modbus.encryption.stay" : "modbus.encryption.who", cut.count, { port: String(cut.port) })}</p>
                <ul class="names">
                  {cut.who.slice(0, NAMED).map(([name, n]) => (
                    <li class="name">{n > 1 ? `${name}: ${tn("clients.count", n)}` : name}</li>
                  ))}
                  {cut.who.length > NAMED && <li>…</li>}
                </ul>
              </>
            ) : (
              t("modbus.encryption.nobody", { port: String(cut.port) })
            )}
          </Notice>
          {!tls && (
            <label class="choice">
              <input type="checkbox" checked={alongside} onChange={(event) => setAlongside(event.currentTarget.checked)} />
              <span>
                <strong>{t("modbus.encryption.start.alongside", { plain: String(plain) })}</strong>
                <br />
                <span class="hint">{t("modbus.encryption.start.alongside.means")}</span>
              </span>
            </label>
          )}
        </Dialog>
      )}
    </>
  );
}
