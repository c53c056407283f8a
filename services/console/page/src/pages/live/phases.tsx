// The three phases beside each other: power, voltage, current, power factor, energy.
import type { Live } from "../../api/models.ts";
import { energy, number, power, unit } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { Table } from "../../ui/table.tsx";

const PHASES = ["l1", "l2", "l3"] as const;

type Phase = (typeof PHASES)[number];

export function Phases({ live: { values, counters } }: { live: Live }) {
  const rows: { title: string; cell: (phase: Phase) => string }[] = [
    { title: t("live.power"), cell: (phase) => power(values[`active_power_${phase}`]) },
    { title: t("live.voltage"), cell: (phase) => unit(values[`voltage_${phase}`], 1, "V") },
    { title: t("live.current"), cell: (phase) => unit(values[`current_${phase}`], 2, "A") },
    { title: t("live.factor"), cell: (phase) => number(values[`power_factor_${phase}`], 3) },
    { title: t("live.import"), cell: (phase) => energy(counters[`active_energy_import_${phase}`]) },
    { title: t("live.export"), cell: (phase) => energy(counters[`active_energy_export_${phase}`]) },
  ];
  return (
    <Table
      caption={t("live.phases")}
      rows={rows}
      rowKey={(row) => row.title}
      empty=""
      dense
      columns={[
        { key: "what", title: t("live.quantity"), silent: true, cell: (row) => <span class="muted">{row.title}</span> },
        ...PHASES.map((phase) => ({
          key: phase,
          title: phase.toUpperCase(),
          numeric: true,
          cell: (row: (typeof rows)[number]) => row.cell(phase),
        })),
      ]}
    />
  );
}
