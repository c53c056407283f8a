"""What the fork server loads before it forks, each time in an interpreter of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config.load import parse
from supervisor.spec import ROLES, RoleSpec, modules_of
from tests.support import free_port

EVERYTHING = """
[[meter]]
id = "house"
source = "simulated"
[slave]
port = 1502
tls = true
tls_port = 1802
plain_alongside_tls = true
[master]
enabled = true
[[master.slave]]
address = "https://example.org/push"
[console]
host = "0.0.0.0"
port = 8080
"""
CONFIG = parse(EVERYTHING.encode(), Path("/etc/metergate/metergate.toml"), {})

STATE = """
import asyncio, gc, json, os, sys, zmq
from supervisor.forkserver import load
load(sys.argv[1:])
print(json.dumps({
    "threads": len(os.listdir("/proc/self/task")),
    "descriptors": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                          if int(fd) > 2 and os.path.exists(f"/proc/self/fd/{fd}")),
    "context": zmq.Context._instance is not None,
    "zmq": [type(each).__name__ for each in gc.get_objects() if isinstance(each, (zmq.Context, zmq.Socket))],
    "loop": asyncio._get_running_loop() is not None,
    "missing": [name for name in sys.argv[1:] if name not in sys.modules],
    "collected": gc.get_freeze_count() > 10_000,
}))
"""

LATE = """
import importlib, os, sys
from pathlib import Path
from shared.actor import Life, main
for module in sys.argv[1:]:
    importlib.import_module(module)
before = set(sys.modules)

def ready(self):
    print(*sorted(name for name in set(sys.modules) - before if name.startswith(("services.", "shared."))))
    sys.stdout.flush()
    os._exit(0)

Life.ready = ready
main(sys.modules[sys.argv[1]].ACTOR)
"""

HANDSHAKES = """
import os, sys
from OpenSSL import SSL
from supervisor.forkserver import load
load(["services.tls_slave.actor"])

def hello():
    connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return connection.bio_read(16_384)[11:43].hex()

for _ in range(8):
    if os.fork() == 0:
        os.write(1, hello().encode() + b"\\n")
        os._exit(0)
    os.wait()
"""

ORDERS = """
import os, socket, sys, msgspec
from supervisor.forkserver import Order, branch_off
from supervisor.launcher import ForkServer
from shared.kernel import become_subreaper

def enter(inode):
    open_ = [os.fstat(int(fd)).st_ino for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
    os.write(1, b"held" if int(inode) in open_ else b"not held")
    os._exit(0)

if __name__ == "__main__":
    sys.modules["probe"] = sys.modules["__main__"]
    become_subreaper()
    server = ForkServer(lambda theirs, ours: branch_off(theirs, ours, "probe:enter", ["json"]))
    inode = str(os.fstat(server.channel.fileno()).st_ino)
    control, _ = socket.socketpair()
    socket.send_fds(server.channel, [msgspec.msgpack.encode(Order("probe", inode, {}))], [control.fileno()])
    server.channel.setblocking(True)
    server.channel.recv(1000)
    server.channel.close()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
"""


def run(code: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )


def test_all_roles_together_leave_one_thread_no_loop_no_bus_and_nothing_open() -> None:
    done = run(STATE, *modules_of(ROLES, CONFIG))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "threads": 1,
        "descriptors": [],
        "context": False,
        "zmq": [],
        "loop": False,
        "missing": [],
        "collected": True,
    }


@pytest.mark.parametrize("spec", ROLES, ids=lambda spec: spec.name)
def test_what_a_role_needs_is_loaded_before_it_begins(spec: RoleSpec, run_dir: Path) -> None:
    file = run_dir / "metergate.toml"
    text = EVERYTHING
    for port in ("1502", "1802", "8080"):
        text = text.replace(port, str(free_port()))
    file.write_text(text, encoding="utf-8")
    done = run(LATE, *modules_of([spec], CONFIG), METERGATE_CONFIG=str(file))
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


UNUSED = """
import sys
from supervisor.forkserver import load
load(sys.argv[1:])
print(*sorted({"pygments", "rich"} & set(sys.modules)))
import rich
"""


def test_what_libraries_would_take_along_for_nothing_stays_out() -> None:
    done = run(UNUSED, *modules_of(ROLES, CONFIG))
    assert (done.stdout, done.returncode) == ("\n", 0), done.stderr


def test_what_cannot_be_imported_is_told_and_costs_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    code = "import sys; from supervisor.forkserver import load; load(['broken', 'colorsys']); sys.modules['colorsys']"
    done = run(code, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert "fork server: cannot import broken" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_thread_is_refused(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n", encoding="utf-8"
    )
    done = run("from supervisor.forkserver import load; load(['busy'])", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "RefusedError: importing busy started 1 threads; a fork would lose them" in done.stderr


def test_roles_that_are_forked_draw_random_numbers_of_their_own() -> None:
    done = run(HANDSHAKES)
    drawn = done.stdout.split()
    assert len(drawn) == 8, done.stderr
    assert len(set(drawn)) == 8


def test_no_role_holds_the_end_by_which_orders_are_given() -> None:
    done = run(ORDERS)
    assert (done.stdout, done.returncode) == ("not held", 0), done.stderr
