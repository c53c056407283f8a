// The three phases beside each other: power, voltage, current, power factor, energy.
import type { Live } from "../../api/models.ts";
import { energy, number, power, unit } from "../../format.ts";
import { t } from "../../i18n/index.ts";
import { Table } from "../../ui/table.tsx";

const PHASES = ["l1", "l2", "l3"] as const;

export function Phases({ live: { values, counters } }: { live: Live }) {
  const rows = PHASES.map((phase) => ({
    phase,
    power: values[`active_power_${phase}`],
    voltage: values[`voltage_${phase}`],
    current: values[`current_${phase}`],
    factor: values[`power_factor_${phase}`],
    bought: counters[`active_energy_import_${phase}`],
    sold: counters[`active_energy_export_${phase}`],
  }));
  return (
    <Table
      caption={t("live.phases")}
      rows={rows}
      rowKey={(row) => row.phase}
      empty=""
      dense
      columns={[
        { key: "phase", title: t("live.phase"), cell: (row) => <strong>{row.phase.toUpperCase()}</strong> },
        { key: "power", title: t("live.power"), numeric: true, cell: (row) => power(row.power) },
        { key: "voltage", title: t("live.voltage"), numeric: true, cell: (row) => unit(row.voltage, 1, "V") },
        { key: "current", title: t("live.current"), numeric: true, cell: (row) => unit(row.current, 2, "A") },
        { key: "factor", title: t("live.factor"), numeric: true, cell: (row) => number(row.factor, 3) },
        { key: "bought", title: t("live.import"), numeric: true, cell: (row) => energy(row.bought) },
        { key: "sold", title: t("live.export"), numeric: true, cell: (row) => energy(row.sold) },
      ]}
    />
  );
}
