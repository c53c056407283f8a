// Modbus TCP, as in the device's manual: slave, encryption, master with its slaves, and below them the certificates.
import { useRef } from "preact/hooks";
import { CertificateList } from "../certificates/list.tsx";
import type { Slave } from "../api/models/push.ts";
import { useMay } from "../api/session.ts";
import { t } from "../i18n/index.ts";
import { MasterCard } from "../modbus/master.tsx";
import { usePush } from "../modbus/pushes.ts";
import { SlaveCard } from "../modbus/slave.tsx";
import { PageHead } from "../ui/basics.tsx";
import { useLiveResource, useTopic } from "../ui/hooks.ts";

export default function Page() {
  const slave = useLiveResource<Slave>("slave", "settings");
  const push = usePush();
  const because = useMay("admin") ? undefined : t("may.admin");
  // The counts of connections come with the sessions, each second; the switches with the settings.
  const counted = useRef("");
  useTopic<{ slaves: { instance: string; connections: number }[] }>("sessions", ({ slaves }) => {
    const now = slaves.map((one) => `${one.instance} ${one.connections}`).join();
    if (now === counted.current) return;
    counted.current = now;
    void slave.reload();
  });
  return (
    <>
      <PageHead title={t("modbus.title")} />
      <SlaveCard slave={slave} because={because} />
      <MasterCard push={push} because={because} />
      <CertificateList id="certificates" tls={slave.data?.tls} />
    </>
  );
}
