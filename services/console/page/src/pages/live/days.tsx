// Energy of each day: what was bought and what was sold, as bars and as a table.
import type uPlot from "uplot";
import { useMemo } from "preact/hooks";
import type { DayEnergy } from "../../api/models.ts";
import { energy, weekday } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { meter } from "../../live/store.ts";
import { useStore } from "../../store.ts";
import { Card, Empty, Loading, Notice } from "../../ui/basics.tsx";
import { Chart } from "../../ui/chart.tsx";
import { useResource } from "../../ui/hooks.ts";
import { Table } from "../../ui/table.tsx";

export function DayEnergies() {
  const chosen = useStore(meter);
  const { data, error } = useResource<DayEnergy>("history/days", { meter: chosen });
  const rows = useMemo(
    () =>
      (data?.days ?? []).map((day, index) => ({
        at: new Date(`${day}T00:00:00`).getTime(),
        bought: data?.columns.import?.[index] ?? null,
        sold: data?.columns.export?.[index] ?? null,
      })),
    [data],
  );
  const plot = useMemo(
    (): uPlot.AlignedData => [
      rows.map((row) => row.at),
      rows.map((row) => row.bought),
      rows.map((row) => row.sold && -row.sold),
    ],
    [rows],
  );
  return (
    <Card title={t("live.days")}>
      {error && <Notice tone="bad">{error}</Notice>}
      {!data ? (
        !error && <Loading />
      ) : !rows.length ? (
        <Empty>{t("live.days.empty")}</Empty>
      ) : (
        <>
          {rows.length > 1 && (
            <Chart
              step="day"
              height={200}
              format={(value) => energy(value == null ? value : Math.abs(value))}
              lines={[
                { label: t("live.import"), colour: "grid-import", bars: true },
                { label: t("live.export"), colour: "grid-export", bars: true },
              ]}
              data={plot}
              summary={t("live.days")}
            />
          )}
          <details open={rows.length < 8}>
            <summary>{t("live.days.table")}</summary>
            <Table
              caption={t("live.days")}
              dense
              rows={[...rows].reverse()}
              rowKey={(row) => row.at}
              empty=""
              columns={[
                { key: "day", title: t("live.day"), cell: (row) => weekday(row.at) },
                { key: "import", title: t("live.import"), numeric: true, cell: (row) => energy(row.bought) },
                { key: "export", title: t("live.export"), numeric: true, cell: (row) => energy(row.sold) },
              ]}
            />
          </details>
          <p class="hint">{t("live.days.zone", { zone: data.zone })}</p>
        </>
      )}
    </Card>
  );
}
