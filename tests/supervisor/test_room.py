"""A limit of open files that is too low costs the processes that are too many, and no other."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.room import EACH, KEPT, OWN
from tests.supervisor.harness import Running, running

pytestmark = pytest.mark.system


def limited(run: Running, more: int) -> None:
    """The supervisor may open so many files more than it has open now."""
    pid = run.process.pid
    limit = len(list(Path(f"/proc/{pid}/fd").iterdir())) + more
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))


def test_a_worker_too_many_is_parked_and_comes_once_there_is_room(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        alpha = run.child("alpha").pid
        limited(run, KEPT + 2)
        run.write(workers=3)
        run.command("reload")
        run.wait(lambda run: run.child("beta.3").state == "parked")
        reason = run.child("beta.3").reason
        assert reason.startswith("only ")
        assert reason.endswith(
            "more files can be opened here; raise the limit (ulimit -n, LimitNOFILE=), or lower slave.workers"
        )
        run.wait(lambda run: all(child.state in {"ready", "parked"} for child in run.children()))
        assert (run.child("beta").state, run.child("alpha").state) == ("ready", "ready")
        assert run.child("alpha").pid == alpha
        assert run.answer() in {child.pid for child in run.children()}
        limited(run, 100)
        run.command("reload")
        run.wait_ready()
        assert run.end() == 0


def test_a_role_that_was_there_comes_back_whatever_others_took(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta", budget=1000) as run:
        run.wait_ready()
        limited(run, 0)
        pid = run.child("alpha").pid
        os.kill(pid, signal.SIGKILL)
        run.wait(lambda run: run.child("alpha").pid not in {0, pid} and run.child("alpha").state == "ready")
        assert run.end() == 0


def test_too_low_a_limit_at_the_start_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        assert run.end() == 0
        limit = OWN + 2 * EACH
        command = f"ulimit -n {limit}; exec {sys.executable} -m tests.supervisor.harness {run.file} alpha beta"
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert f"2 processes take {limit} open files here, and only " in done.stderr
        assert len(run.starts("alpha")) == 1
