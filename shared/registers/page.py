"""The documentation page of the register map, generated from the table so that it cannot say anything else."""

from collections.abc import Iterable, Sequence
from typing import Final

from shared.registers.row import Row
from shared.registers.table import SPANS, TABLE, Span

SOURCES: Final = {
    "TQ n": "Modbus document of TQ-Systems, who make the device's hardware, of 2018; section n. The base of the map",
    "KBA": "KOSTAL's operation manual of the device, its pages on Modbus",
    "SPEC": "SunSpec's specification and its definitions of models 1 and 203",
    "MBMAP": "a public collection of register maps, made from KOSTAL's current document",
    "KK, MTR, JH, OWB, SB, UM, PM, SHNG, OEMS": "public programs that read a KSEM: kostal-ksem, ha-kostal-smartmeter "
    "and its fork, openWB, hs_kostalKSEM_ModbusTCP, uni-meter, dbus-modbus-client, smarthomeNG, OpenEMS",
    "FHEM, CFOS": "configurations for a KSEM published for FHEM and for cFos",
    "TSK, PYF, PYW": "three small public programs whose names are not known",
    "ADA": "a KSEM client in Ada, of 2026",
    "EVCCn, E2Sn, PMn, MTRn, MBMDn": "reports of users with real devices, in the trackers of evcc, Energy2Shelly, "
    "dbus-modbus-client, ha-kostal-smartmeter and mbmd; n is the report's number",
}
"""Source key -> who that is. `n` stands for a number."""

_BLOCKS: Final = (
    ("Instantaneous values", "Sums 0-27, L1 from 40, L2 from 80, L3 from 120"),
    ("Energy counters", "Sums 512-551, L1 from 592, L2 from 672, L3 from 752"),
    ("Identity", ""),
    ("SunSpec", "Model 1, model 203, end model. Layout `2.5` has no pad at 40069, and all after it one lower"),
    ("Energy flow", ""),
    ("Wallbox settings", "The only registers that can be written"),
    ("Wallbox values", "Only with `[wallbox] present = true`"),
    ("Groups", "48 times 40 registers to 61311, each only where a `[[meter.group]]` has its number"),
    ("Sensors", "96 times 40 registers to 65279, each only where a `[[meter.sensor]]` has its number"),
)

_INTRODUCTION: Final = """\
# Registers

<!-- Generated from shared/registers/ksem.csv by `python -m docs.generate`. Change the table, not this page. -->

Every register that metergate serves. The same as data: `metergate registers --json`, or `--csv`, `--home-assistant`,
`--iobroker`. Addresses count from 0, as they go over the wire; a program that counts from 40001 or from 1 wants other
numbers. Functions 3 and 4 read the same registers.
"""

_RULES: Final = """\
## How a value becomes registers

- **Order.** Big-endian: the high byte of a register and the high word of a value come first. All registers of a value
  belong to the same sample if they are read in one request.
- **Import and export.** A power stands in two registers that cannot be negative: what is drawn from the grid, and what
  is fed into it. One of them is 0. In SunSpec and in the energy flow it stands in one: import is positive.
- **Rounding.** A measured value is rounded to the nearest step, a tie to the even one. An energy counter is cut off:
  it never shows what is not yet counted. Counters are kept in whole millijoules, so that 0.1 Wh is exact at any size.
- **Range.** A value beyond the range of its register becomes the range's end. Nothing is ever wrapped.
- **Text.** UTF-8, padded with NUL, cut at the end of a character where it is too long.
- **SunSpec scale.** The points of a group share one scale factor, the smallest from the nominal one up with which all
  of them fit into 16 bits; it changes with the load, so read it in the same request. Energies do the same with 31
  bits; beyond 2,147,483,647 Wh they go on in steps of 10 Wh, rounded up, so that no counter seems to run backwards.
- **Not measured.** What the source never gives reads 0, since these registers have no marker. SunSpec has: 0x8000, and
  for energies 0x80000000 as on the device. A SunSpec energy that is not known yet shows it as well.
- **Reserved.** Registers inside a block that carry nothing read 0, so that one request may run across them. Outside of
  the blocks a read gets exception 02.

## What age does

Each row has a class. Once the last sample is older than `stale_after_s`, or before the first one:

| class | a read then |
| --- | --- |
| live | gets exception 04, also for reserved registers between two live rows; in SunSpec: 0x8000 |
| counter | is answered; a counter that was never known gets exception 04 |
| identity, setting, fixed | is answered |
"""

_HEADER: Final = """\
| address | hex | name | OBIS | type | unit | scale | access | class | value | confidence | source | note |
| ---: | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def page(rows: Sequence[Row] = TABLE, spans: Sequence[Span] = SPANS) -> str:
    """The whole page in Markdown."""
    parts = [_INTRODUCTION, _overview(spans), _RULES, _sources()]
    for span, (title, remark) in zip(spans, _BLOCKS, strict=True):
        inside = [row for row in rows if span.start <= row.address < span.end]
        parts.append("\n".join([f"## {title}", "", *([f"{remark}.", ""] if remark else []), *_table(inside)]) + "\n")
    return "\n".join(parts)


def _overview(spans: Iterable[Span]) -> str:
    lines = ["## Blocks", "", "| from | to | registers | what | |", "| ---: | ---: | ---: | --- | --- |"]
    for span, (title, remark) in zip(spans, _BLOCKS, strict=True):
        anchor = title.lower().replace(" ", "-")
        count = span.end - span.start
        lines.append(f"| {span.start} | {span.end - 1} | {count} | [{title}](#{anchor}) | {remark} |")
    return "\n".join(lines) + "\n"


def _sources() -> str:
    lines = [
        "## Where the facts come from",
        "",
        "KOSTAL's own register document was not at hand. Confidence is `high` where several sources agree, `medium`",
        "where they differ in a detail, `low` where there is one source, or none.",
        "",
        "| key | who says so |",
        "| --- | --- |",
    ]
    return "\n".join([*lines, *(f"| {key} | {who} |" for key, who in SOURCES.items())]) + "\n"


def _table(rows: Iterable[Row]) -> Iterable[str]:
    yield _HEADER
    for row in rows:
        value = f"`{row.value}`" if row.value else ""
        last = f"-{row.end - 1}" if row.count > 1 else ""
        cells = (
            f"{row.address}{last}", f"0x{row.address:04X}", f"`{row.name}`", row.obis.replace("*", r"\*"), row.type,
            row.unit, row.scale if row.per_unit > 1 or row.scale_row else "", row.access, row.row_class, value,
            row.confidence, row.source, row.note,
        )  # fmt: skip
        yield "| " + " | ".join(cells) + " |"
