"""`metergate tap`: everything that crosses the bus, one line each. Listens only, so that it can disturb nothing."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import click

from shared.clock import BOOT_ID
from shared.tap.follow import Follower
from shared.tap.recording import RecordingWriter
from supervisor.cli.common import config_option
from supervisor.cli.signals import Stop, stop_on_signals
from supervisor.cli.tap.display import Display, message_options, reachable
from supervisor.cli.tap.tally import Tally

TURN_S = 0.2


@click.command()
@message_options
@click.option("--record", type=click.Path(path_type=Path), metavar="FILE", help="Also record into a new file.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after N messages.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), metavar="S", help="End after S seconds.")
@config_option
def tap(*, display: Display, record: Path | None, count: int | None, seconds: float | None, config: str | None) -> None:
    """Show the messages of all running roles, until Ctrl-C.

    The first of each topic is the last one that was sent before. What happened in all is told at the end.
    """
    endpoints, elsewhere = reachable(config)
    tally = Tally()
    began = time.monotonic()
    with ExitStack() as stack:
        recording = stack.enter_context(RecordingWriter(record)) if record else None
        follower = stack.enter_context(Follower(endpoints, display.wanted, elsewhere))
        stop = stack.enter_context(stop_on_signals())
        printer = display.printer(BOOT_ID)
        followed: tuple[str, ...] | None = None
        for _ in _turns(stop, seconds):
            for instance, entry in follower.poll(TURN_S):
                tally.add(instance, entry)
                if recording:
                    recording.write(entry)
                printer.add(instance, entry, datetime.now().astimezone())
                if tally.messages == count:
                    stop.wanted = True
                    break
            if recording:
                recording.flush()
            printer.flush()
            if not follower.following and followed != ():
                click.echo(f"nothing to listen to runs under {endpoints.run_dir}; waiting for it", err=True)
            followed = follower.following
    for line in tally.lines(time.monotonic() - began):
        click.echo(line, err=True)
    if follower.malformed:
        click.echo(f"  {follower.malformed} messages were not of two frames and are not shown", err=True)
    if recording:
        click.echo(f"  {recording.entries} messages recorded in {record}", err=True)


def _turns(stop: Stop, seconds: float | None) -> Iterator[None]:
    """Until somebody wishes to end, or the time is over."""
    end = time.monotonic() + seconds if seconds else float("inf")
    while not stop.wanted and time.monotonic() < end:
        yield
