"""`metergate ps`: every supervisor's children, as a table or as JSON."""

import json
from collections.abc import Sequence
from typing import Any, Final

import click
import msgspec

from shared import clock
from shared.bus.messages import Child
from shared.errors import RefusedError
from supervisor.cli.common import config_option, run_folder, supervisors, tell

ANSWER_S = 2.0
_COLOUR: Final = {
    "ready": "green",
    "starting": "yellow",
    "backoff": "yellow",
    "stopping": "yellow",
    "disabled": "white",
}
_HEADINGS: Final = ("NAME", "PID", "STATE", "RESTARTS", "UPTIME", "RSS", "QUEUE", "REASON")
_RIGHT: Final = (False, True, False, True, True, True, True, False)
_STATE: Final = _HEADINGS.index("STATE")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def ps(config: str | None, *, as_json: bool) -> None:
    """Show the roles: state, process, restarts, time since the start, memory, queue.

    The queue is in cycles: how late it came to read, at most in the last 30 s; 0 in ordinary work.
    """
    run_dir = run_folder(config)
    found = supervisors(run_dir)
    if not found:
        raise RefusedError(f"nothing runs under {run_dir}; start it with `metergate up`")
    answers = {name: tell(run_dir, name, "ps", {}, ANSWER_S) for name in found}
    rows = [(name, msgspec.convert(child, Child)) for name, answer in answers.items() for child in answer["children"]]
    if as_json:
        click.echo(json.dumps([_plain(name, child) for name, child in rows], indent=2))
    else:
        click.echo(_table(rows))
    for error in dict.fromkeys(answer["config_error"] for answer in answers.values() if answer["config_error"]):
        click.echo(f"the settings file is not used, what was read before stays in force:\n{error}", err=True)
    for text in dict.fromkeys(answer["config_pending"] for answer in answers.values() if answer["config_pending"]):
        click.echo(text, err=True)


def _plain(supervisor: str, child: Child) -> dict[str, Any]:
    return {
        "name": child.name,
        "role": child.role,
        "supervisor": supervisor,
        "pid": child.pid,
        "state": child.state,
        "restarts": child.restarts,
        "uptime_s": _uptime_s(child),
        "rss_kib": child.rss_kib,
        "cpu_ms": child.cpu_ms,
        "queue": child.queue,
        "pending": child.pending,
        "missed": child.missed,
        "reason": child.reason,
    }


def _uptime_s(child: Child) -> float:
    return round((clock.now_ns() - child.started_ns) / 1e9, 1) if child.pid else 0.0


def _table(rows: list[tuple[str, Child]]) -> str:
    cells = [
        (
            child.name,
            str(child.pid or "-"),
            child.state,
            str(child.restarts),
            _duration(_uptime_s(child)) if child.pid else "-",
            f"{child.rss_kib / 1024:.1f} MiB" if child.pid else "-",
            str(child.queue) if child.queue >= 0 else "-",
            child.reason,
        )
        for _, child in rows
    ]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *cells, strict=True)]
    lines = [click.style(_line(_HEADINGS, widths), bold=True)]
    for row in cells:
        line = _line(row, widths)
        at = line.index(row[_STATE], sum(widths[:_STATE]))
        state = click.style(row[_STATE], fg=_COLOUR.get(row[_STATE], "red"))
        lines.append(line[:at] + state + line[at + len(row[_STATE]) :])
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = zip(cells, widths, _RIGHT, strict=True)
    return "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in aligned).rstrip()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}min"
    return f"{minutes}min {rest}s" if minutes else f"{rest}s"
