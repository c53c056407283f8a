"""Where roles listen moves with the settings, or stays: real processes, one role with a port."""

import socket
from pathlib import Path
from typing import Any

import pytest

from shared.errors import RefusedError
from tests.supervisor.harness import Running, free_port, running
from tests.support import is_listening, wait_for

pytestmark = pytest.mark.system


def test_a_name_that_no_host_has_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        pid = run.child("beta").pid
        for host in ("no.such.host.invalid", "no..host"):
            run.write(host=host)
            with pytest.raises(RefusedError, match=rf":7: slave\.host: cannot listen on {host}: "):
                run.command("reload")
        assert run.answer() == pid
        assert run.end() == 0


def test_who_is_stopped_listens_nowhere_until_he_is_started(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        run.command("stop", "beta")
        run.write(port=free_port(), workers=2)
        run.command("reload")
        assert [row["state"] for row in run.command("ps")["children"]] == ["ready", "stopped", "stopped"]
        assert not is_listening(_port(run))
        run.command("start", "beta")
        assert run.answer() in {_row(run, "beta")["pid"], _row(run, "beta.2")["pid"]}
        assert run.end() == 0


def test_of_a_role_of_which_one_is_stopped_the_others_move(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        run.write(workers=2)
        run.command("reload")
        run.wait(lambda run: run.child("beta.2").state == "ready")
        run.wait_ready()
        run.command("stop", "beta.2")
        first = _port(run)
        run.write(port=free_port())
        run.command("reload")
        wait_for(lambda: not is_listening(first), "an end of the old place")
        assert run.answer() == _row(run, "beta")["pid"]
        assert _row(run, "beta.2")["state"] == "stopped"
        assert run.end() == 0


def test_a_worker_less_and_more_again_before_it_has_ended(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", beta_3="deaf") as run:
        run.wait_ready()
        run.write(workers=3)
        run.command("reload")
        run.wait(lambda run: run.child("beta.3").state == "ready")
        pid = run.child("beta.3").pid
        run.write(workers=2)
        run.command("reload")
        run.wait_state(beta_3="stopping")
        run.write(workers=3)
        run.command("reload")
        run.wait(lambda run: run.child("beta.3").pid not in {0, pid} and run.child("beta.3").state == "ready")
        assert run.end() == 0


def test_there_and_back_before_the_first_move_is_done(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", beta="deaf") as run:
        run.wait_ready()
        first, pid = _port(run), run.child("beta").pid
        run.write(port=free_port())
        run.command("reload")
        run.write(port=first)
        run.command("reload")
        run.wait(lambda run: run.child("beta").pid not in {0, pid} and run.child("beta").state == "ready")
        assert run.answer() == _row(run, "beta")["pid"]
        assert run.end() == 0


def test_another_change_while_who_listens_alone_becomes_one_of_several(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", beta="deaf") as run:
        run.wait_ready()
        run.write(workers=2)
        run.command("reload")
        run.wait_state(beta="stopping")
        run.write(workers=3)
        run.command("reload")
        run.wait(lambda run: [child.name for child in run.children()] == ["alpha", "beta", "beta.2", "beta.3"])
        run.wait_ready()
        assert "child.parked" not in run.output.read_text()
        assert run.end() == 0


def test_a_place_that_somebody_took_meanwhile_is_had_once_he_is_gone(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        run.command("stop", "beta")
        with socket.create_server(("127.0.0.1", _port(run))):
            with pytest.raises(RefusedError, match=r"beta is parked: cannot listen on .*; once it can, it starts by"):
                run.command("start", "beta")
            run.write(more="[wallbox]\npresent = true")
            run.command("reload")
            assert [row["state"] for row in run.command("ps")["children"]] == ["ready", "parked"]
        beta = wait_for(lambda: row if (row := _row(run, "beta"))["state"] == "ready" else {}, "beta")
        assert (beta["restarts"], beta["asked"]) == (1, 1)
        assert run.end() == 0


def _port(run: Running) -> int:
    return int(run.slave["port"])


def _row(run: Running, name: str) -> dict[str, Any]:
    return next(row for row in run.command("ps")["children"] if row["name"] == name)
