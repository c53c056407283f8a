"""New settings are checked by whom they concern before they come into force, and hold nobody up meanwhile."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import Fault, RefusedError
from supervisor import verification
from supervisor.loop import Loop
from supervisor.verification import Verification
from tests.supervisor.harness import Running, running

pytestmark = pytest.mark.system

PRESENT = "[wallbox]\npresent = true"
CHECKER = "tests.supervisor.bad_role.verify"


def pids(run: Running) -> dict[str, int]:
    return {child.name: child.pid for child in run.children()}


def test_a_change_that_is_refused_changes_nothing_and_is_named(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma") as run:
        run.wait_ready()
        before = pids(run)
        run.behave("verify", "refuse")
        run.write(more=PRESENT)
        with pytest.raises(RefusedError, match=r"metergate\.toml:\d+: wallbox\.present: names a file that is wrong"):
            run.command("reload")
        error = run.wait_event("config.invalid", "wallbox.present")
        assert error.text.startswith("settings not used, those before stay in force:\n")
        run.wait(lambda run: run.processes is not None and "wallbox.present" in run.processes.config_error)
        assert pids(run) == before
        assert not (run.run_dir / "supervisor.draft").exists()
        run.write(more="# another role's matter", port=run.slave["port"])
        run.behave("verify", "")
        run.write(more=PRESENT)
        run.command("reload")
        run.wait(lambda run: run.child("gamma").pid not in {0, before["gamma"]} and run.child("gamma").state == "ready")
        assert run.processes is not None
        assert not run.processes.config_error
        assert run.child("alpha").pid == before["alpha"]
        assert run.end() == 0


def test_a_role_that_is_not_concerned_is_not_asked(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", "gamma") as run:
        run.wait_ready()
        before = pids(run)
        run.behave("verify", "refuse")
        run.write(idle_timeout_s=30)
        run.command("reload")
        run.wait(lambda run: run.child("beta").pid not in {0, before["beta"]} and run.child("beta").state == "ready")
        assert run.child("gamma").pid == before["gamma"]
        assert run.end() == 0


def test_while_it_is_checked_commands_are_answered_and_a_later_change_counts(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma") as run:
        run.wait_ready()
        before = pids(run)
        run.behave("verify", "hang")
        run.write(more=PRESENT)  # noticed by itself
        begun = time.monotonic()
        draft = run.run_dir / "supervisor.draft"
        while not draft.exists():
            assert run.command("ps")["config_error"] == ""
            assert time.monotonic() < begun + 10
        asked = time.monotonic()
        run.command("restart", "alpha")
        assert time.monotonic() - asked < verification.PATIENCE_S
        run.behave("verify", "")
        run.write(more=f"{PRESENT}\n# and nothing else")
        run.command("reload")
        run.wait(lambda run: run.child("gamma").pid not in {0, before["gamma"]} and run.child("gamma").state == "ready")
        assert run.end() == 0


def test_an_end_does_not_wait_for_it(tmp_path: Path) -> None:
    with running(tmp_path, "gamma") as run:
        run.wait_ready()
        run.behave("verify", "hang")
        run.write(more=PRESENT)
        while not (run.run_dir / "supervisor.draft").exists():
            run.command("ps")
        assert run.end() == 0
        assert not (run.run_dir / "supervisor.draft").exists()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def verdict(loop: Loop, tmp_path: Path, behaviour: str) -> str:
    """Of a check that behaves like this."""
    (tmp_path / "verify.behaviour").write_text(behaviour)
    settings = tmp_path / "metergate.toml"
    env = {"METERGATE_RUN_DIR": str(tmp_path), "METERGATE_CONFIG": str(settings)}
    found: list[tuple[Fault, ...]] = []

    def told(faults: tuple[Fault, ...]) -> None:
        found.append(faults)
        loop.stop()

    check = Verification(loop, env, tmp_path / "draft")
    check.begin(b"[wallbox]\npresent = true\n", [CHECKER], told)
    assert (check.under_way, check.pid > 0) == (True, True)
    loop.run()
    assert (check.under_way, check.pid > 0) == (False, False)
    assert not (tmp_path / "draft").exists()
    (faults,) = found
    return " ".join(f"{fault.line} {fault.key} {fault.reason}" for fault in faults)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("", ""),
        ("chatter", ""),
        ("refuse", "2 wallbox.present names a file that is wrong"),
        ("crash", "could not be checked: exit code 1, see the log"),
    ],
)
def test_what_comes_of_it(loop: Loop, tmp_path: Path, behaviour: str, reason: str) -> None:
    found = verdict(loop, tmp_path, behaviour)
    assert found.endswith(reason)
    assert bool(found) == bool(reason)


def test_one_that_never_answers_is_a_refusal(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PATIENCE_S", 0.2)
    assert "no answer within 0.2 s; tried again within a minute" in verdict(loop, tmp_path, "hang")
