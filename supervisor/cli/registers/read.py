"""`metergate read`: one value as a Modbus client gets it, with what an exception means."""

import json
import time
from typing import cast

import click
from msgspec import Struct

from shared.config.model import Config, Meter
from shared.errors import MetergateError, RefusedError
from shared.modbus.pdu import MAX_READ
from shared.registers.blocks import all_rows
from supervisor.cli.common import config_option, settings_of
from supervisor.cli.registers.client import Function, ModbusClient, SlaveExceptionError, exception_words
from supervisor.cli.registers.question import Question, as_object, lines, question
from supervisor.cli.signals import stop_on_signals
from supervisor.spec import PLAIN_SLAVE

DEFAULT_PORT = 502


class Target(Struct, frozen=True):
    """Which slave is asked, and what is known of it.

    Attributes:
        host, port, unit: where it answers.
        layout: of its SunSpec block.
        stale_after_s: age from which it refuses live registers; None where it is not of these settings.
    """

    host: str
    port: int
    unit: int
    layout: str
    stale_after_s: float | None


@click.command()
@click.argument("what", metavar="ADDRESS|NAME")
@click.option("--host", metavar="HOST", help="Another slave than that of the settings.")
@click.option("--port", type=click.IntRange(1, 65535), help="Its TCP port.")
@click.option("--unit", type=click.IntRange(0, 255), help="Modbus unit id.")
@click.option("--count", type=click.IntRange(1, MAX_READ), help="Registers; default those of the value.")
@click.option("--function", type=click.Choice(["3", "4"]), default="3", show_default=True, help="Modbus function.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--watch", is_flag=True, help="Again and again, until Ctrl-C.")
@click.option("--every", type=click.FloatRange(0.05), default=1.0, show_default=True, help="Seconds, for --watch.")
@config_option
def read(
    *,
    what: str,
    host: str | None,
    port: int | None,
    unit: int | None,
    count: int | None,
    function: str,
    as_json: bool,
    watch: bool,
    every: float,
    config: str | None,
) -> None:
    """Read registers from the running slave, or from any other with --host.

    ADDRESS counts from 0 as on the wire, in decimal or hexadecimal (0x28); NAME as `metergate registers` shows it.
    """
    target = _target(config, host, port, unit)
    asked = question(what, count, all_rows(target.layout))
    code = cast("Function", int(function))
    if not watch:
        _once(target, asked, code, as_json=as_json)
        return
    with stop_on_signals() as stop:
        while not stop.wanted:
            try:
                _once(target, asked, code, as_json=as_json)
            except MetergateError as error:  # said, and tried again: watching goes on while the slave does not
                click.echo(f"metergate: {error}", err=True)
            end = time.monotonic() + every
            while not stop.wanted and (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.1))


def _once(target: Target, asked: Question, function: Function, *, as_json: bool) -> None:
    rows = all_rows(target.layout)
    with ModbusClient(target.host, target.port, target.unit) as client:
        try:
            data = client.read(asked.start, asked.count, function)
        except SlaveExceptionError as error:
            raise RefusedError(exception_words(error.code, asked.classes(rows))) from error
    if as_json:
        click.echo(json.dumps(as_object(asked, data, rows, target.stale_after_s)))
    else:
        for line in lines(asked, data, rows, target.stale_after_s):
            click.echo(line)


def _target(config: str | None, host: str | None, port: int | None, unit: int | None) -> Target:
    if host:
        return Target(host, port or DEFAULT_PORT, 1 if unit is None else unit, "2.6", None)
    loaded = settings_of(config, PLAIN_SLAVE.name)
    if not loaded.slave.enabled:
        raise RefusedError("the settings have slave.enabled = false; name another slave with --host")
    if port is None and loaded.slave.tls and not loaded.slave.plain_alongside_tls:
        raise RefusedError("encryption is on, and this command speaks plain Modbus TCP; see `metergate registers`")
    meter = _meter(loaded, unit)
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(loaded.slave.host, loaded.slave.host)
    asked = unit if unit is not None else meter.unit if meter else 1
    if meter is None:
        return Target(here, port or loaded.slave.port, asked, "2.6", None)
    return Target(here, port or loaded.slave.port, asked, meter.sunspec_layout, meter.stale_after_ms / 1000)


def _meter(config: Config, unit: int | None) -> Meter | None:
    """The meter that answers that unit id: a single one answers any."""
    if len(config.meter) == 1 or unit is None:
        return next(iter(config.meter), None)
    return next((meter for meter in config.meter if meter.unit == unit), None)
