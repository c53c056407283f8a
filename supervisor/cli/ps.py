"""`metergate ps`: every supervisor's children, as a table or as JSON."""

import json
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared import clock
from shared.bus.messages import Child
from shared.errors import RefusedError
from supervisor.cli.common import config_option, run_folder, supervisors, tell

ANSWER_S = 2.0
_STYLE = {"ready": "green", "starting": "yellow", "backoff": "yellow", "stopping": "yellow", "disabled": "dim"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def ps(config: str | None, *, as_json: bool) -> None:
    """Show the roles: state, process, restarts, time since the start, memory."""
    run_dir = run_folder(config)
    found = supervisors(run_dir)
    if not found:
        raise RefusedError(f"nothing runs under {run_dir}; start it with `metergate up`")
    answers = {name: tell(run_dir, name, "ps", {}, ANSWER_S) for name in found}
    rows = [(name, msgspec.convert(child, Child)) for name, answer in answers.items() for child in answer["children"]]
    if as_json:
        click.echo(json.dumps([_plain(name, child) for name, child in rows], indent=2))
    else:
        Console().print(_table(rows))
    for text in dict.fromkeys(answer[key] for answer in answers.values() for key in ("config_error", "config_pending")):
        if text:
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
        "reason": child.reason,
    }


def _uptime_s(child: Child) -> float:
    return round((clock.now_ns() - child.started_ns) / 1e9, 1) if child.pid else 0.0


def _table(rows: list[tuple[str, Child]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("NAME", "PID", "STATE", "RESTARTS", "UPTIME", "RSS", "REASON"):
        table.add_column(heading, justify="right" if heading in {"PID", "RESTARTS", "UPTIME", "RSS"} else "left")
    for _, child in rows:
        style = _STYLE.get(child.state, "red")
        table.add_row(
            child.name,
            str(child.pid or "-"),
            f"[{style}]{child.state}[/]",
            str(child.restarts),
            _duration(_uptime_s(child)) if child.pid else "-",
            f"{child.rss_kib / 1024:.1f} MiB" if child.pid else "-",
            escape(child.reason),
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}min"
    return f"{minutes}min {rest}s" if minutes else f"{rest}s"
