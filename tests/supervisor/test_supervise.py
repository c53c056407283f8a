"""A real supervisor and real processes that misbehave."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from shared.errors import RefusedError
from tests.supervisor.harness import alive, gone, running

pytestmark = pytest.mark.system


def test_up_to_ready_and_an_ordered_end(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", "gamma") as run:
        run.wait_ready()
        pids = [child.pid for child in run.children()]
        assert run.answer() == run.child("beta").pid
        assert (run.run_dir / "supervisor.json").exists()
        assert run.end() == 0
        assert not any(alive(pid) for pid in pids)
        assert not (run.run_dir / "supervisor.json").exists()
        ended = [line for line in run.output.read_text().splitlines() if "ended as asked" in line]
        assert "beta" in ended[0], "who serves clients ends first"


@pytest.mark.parametrize("roles", [("beta",), ("alpha", "beta")], ids=["spawned", "forked"])
def test_killed_and_stopped_processes_are_replaced_and_no_connect_is_refused(
    tmp_path: Path, roles: tuple[str, ...]
) -> None:
    with running(tmp_path, *roles, budget=1000) as run:
        run.wait_ready()
        failures: list[str] = []
        done = threading.Event()

        def connect() -> None:
            while not done.is_set():
                try:
                    run.answer()
                except (ConnectionRefusedError, TimeoutError) as error:
                    failures.append(repr(error))
                except (ConnectionResetError, ValueError):
                    pass  # accepted by a process that was killed before it answered

        client = threading.Thread(target=connect)
        client.start()
        others = [child.pid for child in run.children() if child.name != "beta"]
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGKILL):
            pid = run.child("beta").pid
            os.kill(pid, number)
            run.wait(lambda run, pid=pid: run.child("beta").pid not in {0, pid} and run.child("beta").state == "ready")  # type: ignore[misc]
        done.set()
        client.join()
        assert not failures
        assert (run.child("beta").restarts, run.child("beta").asked) == (3, 0)
        assert [child.pid for child in run.children() if child.name != "beta"] == others
        assert run.wait_event("child.killed").text == "beta: no sign of life for 0.8 s; killed"
        assert run.end() == 0


def test_kill_ends_one_process_this_instant_even_a_stopped_one_and_answers_once_it_is_gone(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="deaf", budget=1) as run:
        run.write(workers=2, budget=1)
        run.command("reload")
        run.wait(lambda run: run.child("beta.2").state == "ready")
        run.wait_ready()
        pids = {child.name: child.pid for child in run.children()}
        for _ in range(3):
            pid = run.child("beta").pid
            os.kill(pid, signal.SIGSTOP)
            assert run.command("kill", "beta") == {"pid": pid}
            assert not alive(pid)
            run.wait(lambda run, pid=pid: run.child("beta").pid not in {0, pid} and run.child("beta").state == "ready")  # type: ignore[misc]
        assert run.command("kill", "alpha") == {"pid": pids["alpha"]}
        assert not alive(pids["alpha"])
        assert run.child("beta.2").pid == pids["beta.2"]
        assert "killed by command: no reason given" in run.wait_event("child.killed", "alpha").text
        with pytest.raises(RefusedError, match="'gamma' is not run by this supervisor"):
            run.command("kill", "gamma")
        run.behave("alpha", "")
        run.wait_ready()
        assert run.end() == 0


def test_a_role_that_forgets_its_beats_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="hang=0.1") as run:
        assert "alpha: no sign of life" in run.wait_event("child.killed").text
        run.wait(lambda run: run.child("alpha").restarts >= 1)
        assert run.child("beta").restarts == 0
        run.behave("alpha", "")
        run.wait_ready()
        assert run.end() == 0


def test_a_role_that_never_says_so_is_not_ready(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="unready") as run:
        run.wait_state(beta="ready")
        run.wait(lambda run: run.child("alpha").state == "starting" and run.child("alpha").pid > 0)
        assert run.end() == 0


def test_over_budget_everything_ends_in_order_with_exit_code_1(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", budget=2, alpha="exit=3") as run:
        assert run.process.wait(20) == 1
        assert "giving up: alpha: 3 deaths within a minute, the last: exit code 3" in run.output.read_text()
        assert all(not alive(pid) for name in ("alpha", "beta") for pid in run.starts(name))


def test_over_budget_a_role_that_may_is_parked_alone(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "gamma", budget=2, gamma="exit=3") as run:
        run.wait_state(alpha="ready", gamma="parked")
        run.behave("gamma", "")
        assert run.command("start", "gamma") == {}
        run.wait_ready()
        assert run.end() == 0


def test_wrong_settings_park_and_any_valid_change_tries_again(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", beta="exit=78") as run:
        run.wait_state(alpha="ready", beta="parked")
        with pytest.raises(ConnectionRefusedError):
            run.answer()
        pid = run.child("alpha").pid
        run.behave("beta", "")
        run.write(more="# corrected")
        run.command("reload")
        run.wait_ready()
        assert run.child("alpha").pid == pid
        assert run.end() == 0


def test_why_a_role_refuses_its_settings_is_shown(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", beta="refused=wrong exit=78") as run:
        run.wait_state(alpha="ready", beta="parked")
        assert run.child("beta").reason.startswith("settings: wrong; once mended, it starts by itself")
        assert "beta is parked: settings: wrong;" in run.output.read_text()
        run.behave("beta", "exit=78")
        with pytest.raises(RefusedError, match="see its log"):
            run.command("start", "beta")
        assert run.end() == 0


def test_a_role_that_lacks_what_may_come_is_tried_again_by_itself_and_that_is_said_once(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="refused=full exit=75") as run:
        run.wait_state(alpha="parked", beta="ready")
        assert run.child("alpha").reason == "full; tried again every 0.2 s"
        run.wait(lambda run: len(run.starts("alpha")) >= 4)
        run.behave("alpha", "")
        run.wait_ready()
        assert run.child("alpha").reason == ""
        parked = "alpha is parked: full; tried again every 0.2 s"  # in the log: the first may come before we listen
        assert run.output.read_text().count(parked) == 1
        run.behave("alpha", "refused=full exit=75")
        with pytest.raises(RefusedError, match="full; tried again"):
            run.command("restart", "alpha")
        run.command("stop", "alpha")
        run.wait_state(alpha="stopped")
        assert run.output.read_text().count(parked) == 2, "of another time, said anew"
        assert run.end() == 0


def test_what_a_role_notes_is_shown_while_it_runs(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="note=the\0meter\33is" + "y" * 3000 + " ") as run:
        run.wait_state(alpha="ready")
        run.wait(lambda run: run.child("alpha").reason.startswith("the meter isyyy"))
        assert len(run.child("alpha").reason) == 300
        assert run.child("beta").reason == ""
        (told,) = (one for one in run.command("ps")["children"] if one["name"] == "alpha")
        assert told["reason"] == run.child("alpha").reason
        run.command("stop", "alpha")
        run.wait_state(alpha="stopped")
        assert run.child("alpha").reason.startswith("stopped by command")
        assert run.end() == 0


def test_deaf_roles_are_killed_when_patience_ends(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="deaf") as run:
        run.wait_ready()
        pid = run.child("alpha").pid
        assert run.end() == 0
        assert not alive(pid)
        assert "alpha: did not end within 0.5 s; killed" in run.output.read_text()


def test_the_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="deaf", beta="deaf") as run:
        run.wait_ready()
        run.process.send_signal(signal.SIGINT)
        run.wait_state(beta="stopping")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(20) == 0
        assert "did not end within" not in run.output.read_text()


def test_roles_die_with_their_supervisor_even_when_stopped(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        pids = [child.pid for child in run.children()]
        os.kill(pids[0], signal.SIGSTOP)
        run.process.kill()
        run.process.wait()
        for pid in pids:
            gone(pid)


def test_roles_outlive_the_fork_server_and_a_new_one_serves(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", budget=1000) as run:
        run.wait_ready()
        pids = {child.pid for child in run.children()}
        children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
        (server,) = {int(pid) for pid in children} - pids
        os.kill(server, signal.SIGKILL)
        gone(server)
        run.command("restart", "alpha")
        run.wait_ready()
        assert run.child("beta").pid in pids
        assert run.end() == 0


def test_orphans_are_reaped(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", alpha="orphan") as run:
        run.wait_ready()
        run.events.clear()
        children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
        run.wait(lambda _: len(children.read_text().split()) == 3)  # fork server, alpha, beta
        assert run.end() == 0


def test_commands_are_answered_when_they_are_done(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        before = {child.name: child.pid for child in run.children()}
        run.command("restart", "beta")
        assert run.wait_event("role.restart").data == {"child": "beta", "by": "cli"}
        assert run.answer() not in before.values()
        assert run.command("ps")["children"][0]["pid"] == before["alpha"]
        run.command("stop", "beta")
        with pytest.raises(ConnectionRefusedError):
            run.answer()
        assert [row["state"] for row in run.command("ps")["children"]] == ["ready", "stopped"]
        run.command("start", "beta")
        assert run.answer()
        for verb, role, reason in (
            ("stop", "tls-slave", "it runs: alpha beta"),
            ("dance", "alpha", "is no command; there are: check kill ps reload restart start stop"),
        ):
            with pytest.raises(Exception, match=reason):
                run.command(verb, role)
        run.behave("beta", "exit=4")
        with pytest.raises(Exception, match="beta is backoff: exit code 4"):
            run.command("restart", "beta")
        assert run.end() == 0


def test_a_valid_change_restarts_exactly_the_roles_concerned(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", "gamma") as run:
        run.wait_ready()
        before = {child.name: child.pid for child in run.children()}
        run.write(more="[wallbox]\npresent = true")  # noticed by itself
        run.wait_event("config.changed", "starts again: gamma")
        run.wait(lambda run: run.child("gamma").pid not in {0, before["gamma"]} and run.child("gamma").state == "ready")
        assert {name: run.child(name).pid for name in ("alpha", "beta")} == {
            name: before[name] for name in ("alpha", "beta")
        }
        assert (run.child("gamma").restarts, run.child("gamma").asked) == (1, 1)
        run.process.send_signal(signal.SIGHUP)
        assert run.end() == 0


def test_an_invalid_change_does_nothing_and_is_named_and_a_role_that_dies_meanwhile_gets_the_good_ones(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        before = {child.name: child.pid for child in run.children()}
        good = run.file.read_text()
        run.file.write_text("[slave]\nport = 0\n")
        run.process.send_signal(signal.SIGHUP)
        error = run.wait_event("config.invalid")
        assert ":2: slave.port" in error.text
        run.wait(lambda run: run.processes is not None and ":2: slave.port" in run.processes.config_error)
        with pytest.raises(Exception, match=r"slave\.port"):
            run.command("reload")
        assert {child.name: child.pid for child in run.children()} == before
        os.kill(before["alpha"], signal.SIGKILL)
        run.wait(lambda run: run.child("alpha").pid not in {0, before["alpha"]} and run.child("alpha").state == "ready")
        copy = (run.run_dir / "alpha.starts").read_text().split()[-1]
        assert Path(copy).read_text() == good
        assert len([event for event in run.events if event.kind == "config.invalid"]) == 1
        run.file.write_text(good)
        run.command("reload")
        run.wait(lambda run: run.processes is not None and not run.processes.config_error)
        assert run.end() == 0


def test_workers_come_and_go_and_the_port_moves(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        run.write(workers=3)
        run.command("reload")
        run.wait_state(beta="ready", beta_2="ready", beta_3="ready")
        assert len({run.answer() for _ in range(40)}) > 1
        run.write(workers=2)
        run.command("reload")
        run.wait(lambda run: [child.name for child in run.children()] == ["alpha", "beta", "beta.2"])
        run.wait_ready()
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            old, taken = run.slave["port"], stranger.getsockname()[1]
            run.write(port=taken, workers=1)
            with pytest.raises(RefusedError, match=rf"slave\.port: cannot .* port {taken}: another program does"):
                run.command("reload")
            assert [row["state"] for row in run.command("ps")["children"]] == ["ready"] * 3
        run.command("reload")
        run.wait(lambda run: [child.name for child in run.children()] == ["alpha", "beta"])
        run.wait_ready()
        assert run.answer() == run.child("beta").pid
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(old)))
        run.write(enabled=False)
        run.command("reload")
        run.wait_state(beta="disabled")
        with pytest.raises(ConnectionRefusedError):
            run.answer()
        with pytest.raises(Exception, match="beta is disabled in the settings"):
            run.command("start", "beta")
        run.write(enabled=True)
        run.command("reload")
        run.wait_ready()
        assert run.end() == 0


def test_who_comes_while_a_change_waits_for_a_new_start_lives_by_what_was_before(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        run.behave("beta.2", "hang=0.1")
        run.write(beat_timeout_s=60, workers=2)
        run.command("reload")
        assert "[supervisor] changed; restart metergate" in run.command("ps")["config_pending"]
        assert run.wait_event("child.killed").text == "beta.2: no sign of life for 0.8 s; killed"
        assert run.end() == 0


def test_a_port_in_use_at_the_start_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as first:
        first.wait_ready()
        again = tmp_path / "again"
        again.mkdir()
        with running(again, "alpha", "beta", port=first.port) as second:
            assert second.process.wait(20) == 1
            assert "another program does" in second.output.read_text()
            assert second.starts("alpha") == []
        assert first.end() == 0


def test_a_stopped_supervisor_judges_nobody_when_it_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        run.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, run.process.pid, os.WSTOPPED)
        threading.Event().wait(1.5)  # longer than the roles may be silent; what passes here is time itself
        run.process.send_signal(signal.SIGCONT)
        assert all(row["restarts"] == 0 for row in run.command("ps")["children"])
        assert run.end() == 0


def test_nothing_grows_under_many_deaths(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", budget=100_000) as run:
        run.wait_ready()

        def descriptors() -> int:
            return len(list(Path(f"/proc/{run.process.pid}/fd").iterdir()))

        before = descriptors()
        for _ in range(40):
            pid = run.child("beta").pid
            os.kill(pid, signal.SIGKILL)
            run.wait(lambda run, pid=pid: run.child("beta").pid not in {0, pid} and run.child("beta").state == "ready")  # type: ignore[misc]
        run.wait(lambda _: descriptors() <= before)
        assert run.child("beta").restarts == 40
        assert run.end() == 0
