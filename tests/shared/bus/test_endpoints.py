import os
import stat
import time
from pathlib import Path

import pytest
import zmq

from shared.bus import endpoints as module
from shared.bus.endpoints import SOCKET_PATH_LIMIT, Endpoints, acquire, instances, is_held
from shared.bus.sockets import context, pub_socket, router_socket
from shared.errors import EXIT_CONFIG, ConfigError, RefusedError
from tests.support import Processes

LONGEST = "supervisor.certificate-manager"

RIVALS = """
import os, signal, sys
from pathlib import Path
from shared.bus import endpoints
from shared.errors import RefusedError

endpoints.LOCK_PATIENCE_S = 0.05
run_dir = Path(sys.argv[1])
last = 0
for round in range(12):
    read, write = os.pipe()
    rivals = []
    for _ in range(5):
        if pid := os.fork():
            rivals.append(pid)
            continue
        try:
            lock = endpoints.acquire(run_dir, "plain-slave")
        except RefusedError:
            os.write(write, bytes(8))
            os._exit(0)
        os.write(write, lock.generation.to_bytes(8, "big"))
        signal.pause()
    told = [int.from_bytes(os.read(read, 8), "big") for _ in rivals]
    holders = [generation for generation in told if generation]
    assert len(holders) == 1, told
    assert holders[0] > last, (holders, last)
    assert endpoints.instances(run_dir) == ["plain-slave"]
    last = holders[0]
    for pid in rivals:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert not endpoints.is_held(run_dir, "plain-slave")
    os.close(read), os.close(write)
print("done")
"""


def folder_of(length: int) -> Path:
    return Path("/tmp/" + "x" * (length - 5))


def test_one_holder_among_processes_and_generations_that_rise_over_kill_9(run_dir: Path, processes: Processes) -> None:
    process = processes.python("-c", RIVALS, run_dir)
    assert process.wait() == 0
    assert process.output == "done\n"


def test_generations_rise_by_one_within_a_second(run_dir: Path) -> None:
    generations = []
    for _ in range(20):
        lock = acquire(run_dir, "measurement")
        generations.append(lock.generation)
        lock.release()
    assert generations == sorted(set(generations))


def test_generations_rise_when_the_clock_falls_back_or_the_folder_is_new(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = acquire(run_dir, "measurement")
    first.release()
    monkeypatch.setattr(time, "time", lambda: 5.0)
    second = acquire(run_dir, "measurement")
    second.release()
    assert second.generation == first.generation + 1
    monkeypatch.undo()
    (run_dir / "measurement.lock").unlink()
    monkeypatch.setattr(time, "time", lambda: second.generation + 60.0)
    third = acquire(run_dir, "measurement")
    third.release()
    assert third.generation > second.generation


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0" * 20, b"00000000000000000007trailing"])
def test_whatever_stands_in_the_lock_file_it_can_be_held(run_dir: Path, content: bytes) -> None:
    (run_dir / "measurement.lock").write_bytes(content)
    lock = acquire(run_dir, "measurement")
    assert lock.generation > 1_600_000_000
    lock.release()


def test_a_second_one_is_refused_with_a_cure(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_PATIENCE_S", 0.02)
    lock = acquire(run_dir, "plain-slave.2")
    other = acquire(run_dir, "plain-slave")  # another instance of the role is another name
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(RefusedError, match=r"plain-slave\.2 is already running under .*; stop it first"):
        acquire(run_dir, "plain-slave.2")
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208
    assert instances(run_dir) == ["plain-slave", "plain-slave.2"]
    lock.release()
    other.release()
    assert instances(run_dir) == []


def test_looking_at_a_lock_does_not_take_it(run_dir: Path) -> None:
    assert not is_held(run_dir, "measurement")
    lock = acquire(run_dir, "measurement")
    assert is_held(run_dir, "measurement")
    lock.release()
    assert not is_held(run_dir, "measurement")
    acquire(run_dir, "measurement").release()


def test_the_folder_belongs_to_its_user_alone(run_dir: Path) -> None:
    folder = run_dir / "a" / "b"
    acquire(folder, "measurement").release()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    acquire(folder, "measurement").release()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "measurement.lock").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_used_is_told(run_dir: Path) -> None:
    (run_dir / "file").touch()
    with pytest.raises(ConfigError, match=r"gateway\.run_dir: .* cannot be used \(.*\); give a folder"):
        acquire(run_dir / "file", "measurement")
    with pytest.raises(ConfigError, match="cannot be used"):
        acquire(run_dir / "file" / "below", "measurement")


@pytest.mark.parametrize(
    "name", ["", "Plain", "plain_slave", "../x", "a/b", ".lock", "a.b.c", "a ", "1a", "plain-slave.", "x" * 31]
)
def test_what_is_no_instance_name_is_refused(run_dir: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="no instance name; they look like"):
        acquire(run_dir, name)
    with pytest.raises(RefusedError):
        Endpoints(run_dir).pub(name)
    with pytest.raises(RefusedError):
        is_held(run_dir, name)
    assert list(run_dir.iterdir()) == []


def test_foreign_files_are_no_instances(run_dir: Path) -> None:
    for name in ("Some Thing.lock", "uv.lock.lock", "x.pub", "1.lock"):
        (run_dir / name).touch()
    assert instances(run_dir) == []
    assert instances(run_dir / "missing") == []


def test_a_run_folder_too_long_for_sockets_is_refused_with_the_length_that_fits() -> None:
    fits = SOCKET_PATH_LIMIT - len(f"/{LONGEST}.pub")
    Endpoints(folder_of(fits))
    with pytest.raises(ConfigError, match=rf"too long for the sockets in it \(at most {fits} bytes\)") as caught:
        Endpoints(folder_of(fits + 1))
    assert caught.value.exit_code == EXIT_CONFIG
    with pytest.raises(ConfigError):
        Endpoints(Path("/tmp/" + "ü" * (fits // 2)))  # counted in bytes


def test_the_longest_name_in_the_longest_folder_can_be_bound(run_dir: Path) -> None:
    fits = SOCKET_PATH_LIMIT - len(f"/{LONGEST}.pub")
    folder = run_dir / ("x" * (fits - len(str(run_dir)) - 1))
    folder.mkdir()
    endpoints = Endpoints(folder)
    with (
        context() as ctx,
        pub_socket(ctx, endpoints.pub(LONGEST)) as pub,
        router_socket(ctx, endpoints.cmd(LONGEST)) as router,
    ):
        for socket in (pub, router):
            address = socket.getsockopt(zmq.LAST_ENDPOINT)
            assert isinstance(address, bytes)
            assert len(address.rstrip(b"\0")) - len("ipc://") == SOCKET_PATH_LIMIT
    assert {each.name for each in folder.iterdir()} >= {f"{LONGEST}.pub", f"{LONGEST}.cmd"}


@pytest.mark.parametrize("closed", ["folder", "lock"])
def test_what_is_closed_to_this_user_is_not_taken_for_empty(
    run_dir: Path, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire(run_dir, "plain-slave").release()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    if closed == "folder":  # as a folder of mode 0 is to everyone but root
        monkeypatch.setattr(os, "listdir", refuse)
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RefusedError, match="closed to this user; ask as root"):
        instances(run_dir)
