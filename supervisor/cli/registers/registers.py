"""`metergate registers`: the map, with what stands in it now, or in the form that another program reads."""

import functools
import socket
from collections.abc import Callable, Sequence
from typing import Any

import click

from shared import clock
from shared.bus.endpoints import endpoints_of
from shared.config.load import find, load
from shared.config.model import Config, Meter, Slave
from shared.errors import ConfigError, RefusedError
from shared.registers.blocks import all_rows, blocks_for
from shared.registers.export import as_csv, as_home_assistant, as_iobroker, as_json
from shared.registers.row import Row
from shared.registers.table import TABLE
from supervisor.cli.common import config_option, settings_in_force
from supervisor.cli.registers.columns import select, table
from supervisor.cli.registers.live import STORE, Live, last_image, live, unmeasured

GROUPS = tuple(dict.fromkeys(row.group for row in TABLE))
FORMS = {
    "json": "Everything that is known, with values, for programs.",
    "csv": "The same as a table.",
    "home-assistant": "A modbus: section for Home Assistant.",
    "iobroker": "A register list for ioBroker's modbus adapter.",
}


def _forms(function: Callable[..., None]) -> Callable[..., None]:
    """One option for each form, of which at most one may be given; handed over as `form: str | None`."""

    @functools.wraps(function)
    def wrapper(*, host: str | None, **others: Any) -> None:
        chosen = [name for name in FORMS if others.pop(name.replace("-", "_"))]
        if len(chosen) > 1:
            raise click.UsageError(f"{' and '.join(f'--{name}' for name in chosen)} exclude each other; choose one")
        if host is not None and chosen != ["home-assistant"]:
            raise click.UsageError("--host stands in what --home-assistant writes; give it together with that")
        function(form=chosen[0] if chosen else None, host=host, **others)

    for name, words in reversed(FORMS.items()):
        wrapper = click.option(f"--{name}", is_flag=True, help=words)(wrapper)
    return wrapper


@click.command()
@_forms
@click.option("--meter", metavar="ID", help="Of this meter; default the first in the settings.")
@click.option("--block", type=click.Choice(GROUPS), help="Only this block of the map.")
@click.option("--search", metavar="TEXT", help="Only rows with TEXT in name, OBIS code, unit or note.")
@click.option("--all", "everything", is_flag=True, help="Also blocks that the settings do not have.")
@click.option(
    "--host",
    metavar="HOST",
    help="With --home-assistant: where that finds the slave.",
)
@config_option
def registers(
    *,
    form: str | None,
    meter: str | None,
    block: str | None,
    search: str | None,
    everything: bool,
    host: str | None,
    config: str | None,
) -> None:
    """Show the register map with live raw words and values.

    Without a running instance the map alone is shown. Addresses count from 0, as they stand on the wire.
    """
    loaded = _settings(config)
    chosen = _meter(loaded, meter)
    rows = select(_rows(loaded, chosen, everything=everything), block or "", search or "")
    if not rows:
        raise RefusedError("no register fits; try less with --search, or another --block")
    if form == "home-assistant":
        click.echo(_home_assistant(rows, loaded, chosen, host), nl=False)
    elif form == "iobroker":
        click.echo(as_iobroker(rows), nl=False)
    else:
        now = _live(loaded, chosen, rows)
        readings = {row.name: now.readings[row.name] for row in rows} if now else {}
        if form is None:
            idle = unmeasured(rows, endpoints_of(loaded), chosen.id) if loaded and chosen and now else frozenset()
            for line in table(rows, readings or None, idle):
                click.echo(line)
        else:
            click.echo((as_json if form == "json" else as_csv)(rows, readings), nl=False)
        if now and chosen:
            click.echo(f"meter {chosen.id}: {now.words}", err=True)


def _settings(config: str | None) -> Config | None:
    """None where there is no settings file at all: the map can be read without one."""
    if in_force := settings_in_force(config, STORE):
        return in_force
    try:
        path = find(config)
    except ConfigError:
        return None
    return load(path)


def _meter(config: Config | None, name: str | None) -> Meter | None:
    if config is None or not config.meter:
        if name:
            raise RefusedError(f"there is no meter {name!r}: the settings have no [[meter]]")
        return None
    found = next((meter for meter in config.meter if name in (None, meter.id)), None)
    if found is None:
        raise RefusedError(f"there is no meter {name!r}; the settings have {', '.join(m.id for m in config.meter)}")
    return found


def _rows(config: Config | None, meter: Meter | None, *, everything: bool) -> tuple[Row, ...]:
    if config is None or meter is None or everything:
        return all_rows(meter.sunspec_layout if meter else "2.6")
    return tuple(row for block in blocks_for(meter, wallbox=config.wallbox.present) for row in block)


def _live(config: Config | None, meter: Meter | None, rows: tuple[Row, ...] | list[Row]) -> Live | None:
    if config is None:
        click.echo("no settings file, so no running instance to ask: the whole map, without live values", err=True)
        return None
    image = last_image(endpoints_of(config), meter.id) if meter else None
    if image is None:
        what = "no register store runs" if meter else "the settings have no [[meter]]"
        click.echo(f"{what}: the map without live values; start with `metergate up`", err=True)
        return None
    # a point is only decoded beside its scale factor, which the selection may not hold
    return live(all_rows(meter.sunspec_layout) if meter else rows, image, clock.now_ns())


def _home_assistant(rows: Sequence[Row], config: Config | None, meter: Meter | None, host: str | None) -> str:
    slave = config.slave if config else Slave()
    guessed = host is None and slave.host in {"0.0.0.0", "::"}
    return as_home_assistant(
        rows,
        host=socket.gethostname() if guessed else host or slave.host,
        port=slave.port,
        unit=meter.unit if meter else 1,
        name=meter.id if meter else "metergate",
        guessed=guessed,
        encrypted=slave.tls and not slave.plain_alongside_tls,
    )
