import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shared.bus.endpoints import acquire
from shared.config import load
from supervisor.cli import run_dir
from supervisor.cli.health import health, judge


def child(name: str = "plain-slave", state: str = "ready", reason: str = "", **status: int) -> dict[str, Any]:
    return {"name": name, "role": name.partition(".")[0], "state": state, "reason": reason, "status": status}


def write(
    folder: Path, instance: str, *children: dict[str, Any], age_s: float = 0.0, namespace: int = 0, settings: str = ""
) -> None:
    content = {
        "settings": settings,
        "t_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(age_s * 1e9),
        "pid_namespace": namespace or Path("/proc/self/ns/pid").stat().st_ino,
        "children": children,
    }
    (folder / f"{instance}.json").write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("METERGATE_RUN_DIR", str(tmp_path))
    monkeypatch.delenv("METERGATE_CONFIG", raising=False)
    return tmp_path


def check(*roles: str, fresh: bool = False) -> tuple[int, str]:
    return health(list(roles), fresh=fresh, config=None)


def test_nobody_holds_the_lock_or_nobody_writes(folder: Path) -> None:
    assert check() == (1, f"no supervisor runs under {folder}")
    write(folder, "supervisor", child())
    assert check()[0] == 1, "its lock is free: it is dead"
    lock = acquire(folder, "supervisor")
    assert check() == (0, "plain-slave=ready")
    write(folder, "supervisor", child(), age_s=6.0)
    assert check()[0] == 1, "it holds its lock, but has not written for long: it is stuck"
    lock.release()


def test_all_roles_or_those_named(folder: Path) -> None:
    lock = acquire(folder, "supervisor")
    write(folder, "supervisor", child("measurement", "backoff", "exit code 3"), child("plain-slave", "disabled"))
    assert check() == (1, "measurement is backoff (exit code 3)")
    assert check("plain-slave") == (0, "plain-slave=disabled")
    assert check("tls-slave")[1].endswith("has tls-slave")
    lock.release()


def test_without_names_a_container_asks_its_own_supervisor(folder: Path) -> None:
    locks = [acquire(folder, name) for name in ("supervisor.measurement", "supervisor.plain-slave")]
    write(folder, "supervisor.measurement", child("measurement", "parked", "settings"), namespace=1)
    write(folder, "supervisor.plain-slave", child("plain-slave"))
    assert check() == (0, "plain-slave=ready")
    assert check("measurement")[0] == 1
    for lock in locks:
        lock.release()


def test_a_stuck_supervisor_is_not_excused_by_those_of_other_containers(folder: Path) -> None:
    own, other = acquire(folder, "supervisor.plain-slave"), acquire(folder, "supervisor.measurement")
    write(folder, "supervisor.plain-slave", child(), age_s=6.0)
    write(folder, "supervisor.measurement", child("measurement"), namespace=1)
    code, line = check()
    assert code == 1
    assert line.endswith("it is stuck")
    own.release()
    other.release()


def test_fresh_asks_those_who_know() -> None:
    assert judge([child(fresh_until_ns=11), child("measurement")], fresh=True, now_ns=10)[0] == 0
    assert judge([child(fresh_until_ns=10)], fresh=True, now_ns=10) == (1, "plain-slave has no fresh image")
    assert judge([child("measurement")], fresh=True, now_ns=10)[0] == 1
    assert judge([child(fresh_until_ns=10)], fresh=False, now_ns=10)[0] == 0


def test_why_an_image_is_not_fresh_is_told_also_by_those_who_were_not_asked() -> None:
    measurement = child("measurement", reason="meter house: no connection")
    assert judge([measurement], fresh=False, now_ns=10) == (0, "measurement=ready (meter house: no connection)")
    stale, others = child(fresh_until_ns=10), [child(fresh_until_ns=10), measurement]
    assert judge([stale], fresh=True, now_ns=10, others=others) == (
        1,
        "plain-slave has no fresh image; measurement: meter house: no connection",
    )
    assert judge([child(fresh_until_ns=11)], fresh=True, now_ns=10, others=others) == (0, "plain-slave=ready")


def test_fresh_names_the_role_that_measures_once(folder: Path) -> None:
    lock = acquire(folder, "supervisor")
    away = child("measurement", reason="meter house: no connection", fresh_until_ns=0)
    write(folder, "supervisor", away, child(fresh_until_ns=0))
    expected = "measurement has no fresh image; plain-slave has no fresh image; measurement: meter house: no connection"
    assert check(fresh=True) == (1, expected)
    lock.release()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "run"),
        ("[gateway]\nrun_dir = 'here'", "here"),
        ("gateway.run_dir = 'here'", "here"),
        ('[gateway]\nrun_dir = "here"\n[slave\n', "here"),
        ("[slave\n", "run"),
        ("[gateway]\nrun_dir = '/absolute'", "/absolute"),
        ("[gateway]\nrun_dir = 'here'\na" + ".a" * 20_000 + " = 1", "here"),
    ],
)
def test_the_run_folder_is_found_also_while_the_file_is_wrong(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "metergate.toml"
    file.write_text(text)
    assert run_dir.find_run_dir(str(file), {}) == tmp_path / expected
    assert run_dir.find_run_dir(str(file), {"METERGATE_RUN_DIR": "/run/mg"}) == Path("/run/mg")
    assert run_dir.find_run_dir(None, {"METERGATE_CONFIG": str(file)}) == tmp_path / expected
    assert run_dir.find_run_dir(str(tmp_path / "none.toml"), {}) is None


def test_no_run_folder_is_found_in_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metergate.toml")
    assert run_dir.find_run_dir(str(tmp_path / "metergate.toml"), {}) is None


def test_the_usual_folders_are_looked_at_once_the_file_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder, file = tmp_path / "run", tmp_path / "metergate.toml"
    lock = acquire(folder, "supervisor")
    write(folder, "supervisor", child(), settings=str(file))
    assert run_dir.find_run_dir(str(file), {}) == folder
    assert run_dir.find_run_dir(None, {}) == folder
    assert run_dir.find_run_dir("mistyped.toml", {}) is None, "what runs there was started with another file"
    lock.release()
    assert run_dir.find_run_dir(str(file), {}) is None, "nothing runs there any more"


def test_the_file_is_looked_for_where_the_settings_are() -> None:
    assert run_dir.PLACES == load.PLACES


def test_it_needs_nothing_but_the_standard_library(folder: Path) -> None:
    lock = acquire(folder, "supervisor")
    write(folder, "supervisor", child())
    code = (
        "import sys; from supervisor.cli import main; sys.argv[1:] = ['health']\n"
        "try: main()\n"
        "finally: print({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    line, modules = done.stdout.splitlines()
    assert line == "plain-slave=ready"
    assert not {"msgspec", "zmq", "click", "structlog", "rich", "tomlkit"} & set(modules.replace("'", " ").split())
    lock.release()


def test_roles_that_are_disabled_are_no_reason_for_an_old_image() -> None:
    store = child("register-store", fresh_until_ns=9)
    measurement = child("measurement", reason="meter house: 192.0.2.20:502 does not answer")
    disabled = child("console", state="disabled", reason="disabled by the settings")
    code, line = judge([store, disabled], fresh=True, now_ns=10, others=[store, measurement, disabled])
    assert (code, line) == (
        1,
        "register-store has no fresh image; measurement: meter house: 192.0.2.20:502 does not answer",
    )
