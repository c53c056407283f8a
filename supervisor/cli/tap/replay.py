"""`metergate replay`: a recording shown as the tap would, or played back onto the bus in place of what was recorded."""

import time
from contextlib import ExitStack
from pathlib import Path

import click

from shared.tap.recording import RecordingReader
from supervisor.cli.common import config_option
from supervisor.cli.signals import stop_on_signals
from supervisor.cli.tap.display import Display, message_options, reachable
from supervisor.cli.tap.republish import Republisher, paced, selected, writers

LONGEST_WAIT_S = 0.2
LAST_WORDS_S = 0.1
"""The last message needs a moment to leave, since closing a socket drops what is still in it."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@message_options
@click.option("--speed", type=click.FloatRange(0), default=1.0, show_default=True, help="0 for all at once.")
@click.option("--publish", is_flag=True, help="Send it on the bus, as the recorded roles; none of them may run.")
@config_option
def replay(*, file: Path, display: Display, speed: float, publish: bool, config: str | None) -> None:
    """Show a recording that `metergate tap --record FILE` made.

    With --publish another role can be run against it, e.g. a slave:
    `metergate replay FILE --publish --role register-store`, and beside it `metergate run plain-slave`.
    """
    if publish and not speed:
        raise click.UsageError("--publish needs a --speed above 0: at once, nobody could follow")
    with ExitStack() as stack:
        bus = stack.enter_context(_republisher(file, display, config)) if publish else None
        reader = stack.enter_context(RecordingReader(file))
        stop = stack.enter_context(stop_on_signals())
        printer = display.printer(reader.header.boot)

        def wait(left: float) -> bool:
            pause = min(left, LONGEST_WAIT_S)
            if bus:
                bus.wait(pause)
            else:
                time.sleep(pause)
            return not stop.wanted

        for name, entry in paced(selected(reader, display.wanted), speed, wait):
            if stop.wanted:
                break
            if bus:
                bus.publish(name, entry)
            printer.add(name, entry, reader.wall(entry.t_ns))
            printer.flush()
        if bus:
            bus.wait(LAST_WORDS_S)
    if bus and bus.skipped:
        click.echo(f"{bus.skipped} messages were not published: malformed, of another version or boot", err=True)
    if reader.damage:
        click.echo(f"warning: {reader.damage}", err=True)


def _republisher(file: Path, display: Display, config: str | None) -> Republisher:
    endpoints, _ = reachable(config)
    names, boot = writers(file, display.wanted)
    bus = Republisher(endpoints, names, boot)
    click.echo(f"publishing as {', '.join(sorted(names))} under {endpoints.run_dir}", err=True)
    return bus
