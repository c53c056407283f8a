"""Whether the roles of a supervisor are ready: `metergate health`. Standard library only, a bare Python's start.

Healthy is: the supervisor lives (it holds its lock, and its state file is young) and each role asked for is ready, or
disabled by the settings. Without names, the roles of this container's supervisor; on a host, those of all that run.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from shared.errors import EXIT_CONFIG, EXIT_DONE, EXIT_REFUSED
from supervisor.cli.run_dir import State, find_run_dir, states

MAX_AGE_NS: Final = 5_000_000_000


def health(roles: list[str], *, fresh: bool, config: str | None) -> tuple[int, str]:
    """Exit code and one line.

    Args:
        roles: role or instance names; none for all of this supervisor's.
        fresh: also ask that the image served is not stale.
        config: settings file, where the run folder is not given by METERGATE_RUN_DIR.
    """
    run_dir = find_run_dir(config, os.environ)
    if run_dir is None:
        return (
            EXIT_CONFIG,
            "no run folder: no settings file can be read; name it with --config FILE, or set METERGATE_RUN_DIR",
        )
    if os.access(run_dir, os.F_OK) and not os.access(run_dir, os.R_OK | os.X_OK):
        return EXIT_REFUSED, f"{run_dir} is closed to this user; ask as root (sudo) or as the user who runs metergate"
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    held = list(states(run_dir))
    alive = [state for state in held if -MAX_AGE_NS < now - state["t_ns"] < MAX_AGE_NS]
    if not alive:
        return EXIT_REFUSED, f"no supervisor runs under {run_dir}"
    if roles:
        children = [child for state in alive for child in state["children"]]
        missing = [role for role in roles if not any(role in (child["role"], child["name"]) for child in children)]
        if missing:
            return EXIT_REFUSED, f"no supervisor under {run_dir} has {' '.join(missing)}"
        children = [child for child in children if child["role"] in roles or child["name"] in roles]
    else:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        own = [state for state in held if state["pid_namespace"] == namespace]
        if not all(state in alive for state in own):
            return EXIT_REFUSED, "a supervisor here holds its lock, but has not told its state for 5 s: it is stuck"
        children = [child for state in own or alive for child in state["children"]]
    return judge(children, fresh=fresh, now_ns=now, others=[child for state in alive for child in state["children"]])


def judge(children: list[State], *, fresh: bool, now_ns: int, others: Iterable[State] = ()) -> tuple[int, str]:
    """Exit code and one line.

    Args:
        children: of the state file, that are asked for.
        fresh: see `health`.
        now_ns: CLOCK_BOOTTIME.
        others: who may know why an image is not fresh, such as a role whose meter does not answer.
    """
    faults = [
        f"{child['name']} is {_state(child)}" for child in children if child["state"] not in {"ready", "disabled"}
    ]
    if fresh and not faults:
        until = {child["name"]: child["status"].get("fresh_until_ns") for child in children}
        faults = [f"{name} has no fresh image" for name, t_ns in until.items() if t_ns is not None and t_ns <= now_ns]
        if all(t_ns is None for t_ns in until.values()):
            faults = ["none of these roles knows how fresh the image is; ask register-store or a slave"]
        elif faults:
            faults.extend(
                sorted({f"{child['name']}: {child['reason']}" for child in (*children, *others) if _ails(child)})
            )
    if faults:
        return EXIT_REFUSED, "; ".join(faults)
    return EXIT_DONE, " ".join(f"{child['name']}={_state(child)}" for child in children)


def _ails(child: State) -> bool:
    """Whether it says something that may be why an image is old; that it is disabled explains nothing."""
    return bool(child["reason"]) and child["state"] != "disabled"


def _state(child: State) -> str:
    return f"{child['state']} ({child['reason']})" if child["reason"] else str(child["state"])
