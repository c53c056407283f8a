"""`metergate ps`: every supervisor's children, as a table or as JSON."""

import json
from typing import Any, Final

import click
import msgspec

from shared import clock
from shared.bus.messages import Child
from shared.errors import RefusedError
from supervisor.cli.common import config_option, run_folder, supervisors, tell
from supervisor.cli.table import by_state

ANSWER_S = 2.0
_COLOUR: Final = {
    "ready": "green",
    "starting": "yellow",
    "backoff": "yellow",
    "stopping": "yellow",
    "disabled": "white",
}
_HEADINGS: Final = ("NAME", "PID", "STATE", "RESTARTS", "UPTIME", "RSS", "QUEUE", "REASON")
_RIGHT: Final = tuple(map(_HEADINGS.index, ("PID", "RESTARTS", "UPTIME", "RSS", "QUEUE")))


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
        "asked": child.asked,
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
    return by_state(_HEADINGS, cells, _COLOUR, _RIGHT)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}min"
    return f"{minutes}min {rest}s" if minutes else f"{rest}s"
