// Whose values are shown, where there are several meters; what stands there where there is none.
import { useEffect } from "preact/hooks";
import type { Meter } from "../api/models.ts";
import { t } from "../i18n/index.ts";
import { link } from "../router.ts";
import { useStore } from "../store.ts";
import { Card, Empty } from "../ui/basics.tsx";
import { useLiveResource } from "../ui/hooks.ts";
import { listenAnew, meter } from "./store.ts";

/** All meters of the settings; undefined until they are known. */
export const useMeters = (): Meter[] | undefined => useLiveResource<{ meters: Meter[] }>("meters", "settings").data?.meters;

export function MeterChoice({ of: meters }: { of: readonly Meter[] }) {
  const chosen = useStore(meter);
  return (
    <select aria-label={t("meter")} value={chosen || meters[0]?.id} onChange={(event) => meter.set(event.currentTarget.value)}>
      {meters.map((one) => (
        <option value={one.id}>{one.id}</option>
      ))}
    </select>
  );
}

/** As long as there is none, the stream is nobody's; once there is one, it is asked for. */
export function NoMeter() {
  useEffect(() => listenAnew, []);
  return (
    <Card title={t("live.none")}>
      <Empty>{t("live.none.text")}</Empty>
      <div class="actions centred">
        <a class="button" href={link("settings")}>
          {t("nav.settings")}
        </a>
      </div>
    </Card>
  );
}
