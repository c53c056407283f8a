"""Another program binds the endpoints of the bus and lies: nothing of it is served as true, and it heals by itself."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from tests.support import wait_for
from tests.system.bus import Listener
from tests.system.gateway import SIMULATED, Gateway, running, send
from tests.system.wire import Client, ModbusError

pytestmark = pytest.mark.system

LIE = b"\x0b\xad\xf0\x0d"
FOR_EVER = 10**18


@pytest.fixture
def gateway(run_dir: Path) -> Iterator[Gateway]:
    with running(run_dir / "g", SIMULATED) as started:
        yield started


@contextlib.contextmanager
def thief(gateway: Gateway, instance: str, topic: str, message: dict[str, Any]) -> Iterator[None]:
    """Binds the endpoint and says this to whoever comes, until the end of the block."""
    end = threading.Event()
    bound = threading.Event()

    def serve() -> None:
        with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
            socket.setsockopt(zmq.LINGER, 0)
            socket.bind(f"ipc://{gateway.run_dir}/{instance}.pub")
            bound.set()
            while not end.is_set():
                while socket.poll(10):
                    socket.recv()
                socket.send_multipart((topic.encode(), msgpack.packb(message)))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert bound.wait(5)
        yield
    finally:
        end.set()
        thread.join()


def last(gateway: Gateway, instance: str, topic: str) -> dict[str, Any]:
    with Listener(gateway.run_dir, instance, topic) as listener:
        return listener.next()


def power(gateway: Gateway) -> bytes:
    """The first two registers as they stand; empty while there is no value."""
    try:
        with Client(gateway.port) as client:
            return b"".join(word.to_bytes(2, "big") for word in client.read(0, 2))
    except (OSError, EOFError, ModbusError):
        return b""


def restarted(gateway: Gateway, role: str) -> None:
    pid = gateway.pid(role)
    send(pid, signal.SIGKILL)
    wait_for(lambda: gateway.pid(role) != pid, f"another {role}")


@pytest.mark.parametrize("ahead", [(FOR_EVER, 0), (1, 0)], ids=["a far generation", "the next"])
def test_an_image_of_a_generation_that_there_is_not_is_never_served(gateway: Gateway, ahead: tuple[int, int]) -> None:
    image = last(gateway, "register-store", "image/")
    blocks = [{**block, "data": LIE * (len(block["data"]) // 4)} for block in image["blocks"]]
    lie = {**image, "gen": image["gen"] + ahead[0], "seq": 1, "stale_after_ms": 900_000, "blocks": blocks}
    with thief(gateway, "register-store", "image/house", lie):
        restarted(gateway, "plain-slave")
        assert wait_for(lambda: power(gateway), "a value, while the thief is there") != LIE
    wait_for(lambda: "register-store.pub was taken by another process; taken back" in gateway.process.output, "a word")
    assert "said in the name of register-store" in gateway.process.output


def test_an_image_of_the_present_generation_is_outdone(gateway: Gateway) -> None:
    image = last(gateway, "register-store", "image/")
    blocks = [{**block, "data": LIE * (len(block["data"]) // 4)} for block in image["blocks"]]
    lie = {**image, "seq": FOR_EVER, "stale_after_ms": 900_000, "blocks": blocks}
    with thief(gateway, "register-store", "image/house", lie):
        restarted(gateway, "plain-slave")
        wait_for(lambda: power(gateway) not in {b"", LIE}, "the truth, while the thief is there")
        restarted(gateway, "plain-slave")
        wait_for(lambda: power(gateway) not in {b"", LIE}, "the truth, also after another start")
    assert gateway.children()["register-store"]["restarts"] == 0


def test_a_sample_that_nobody_measured_is_not_counted(gateway: Gateway) -> None:
    sample = last(gateway, "measurement", "sample/")
    lie = {**sample, "gen": sample["gen"] + FOR_EVER, "values": {"active_power": 195_948.6}}
    with thief(gateway, "measurement", "sample/house", lie):
        restarted(gateway, "register-store")
        with Listener(gateway.run_dir, "register-store", "image/") as images:
            while not (image := images.next(20))["t_ns"]:
                pass
        assert image["t_ns"] != lie["t_ns"]
    with Client(gateway.port) as client:
        assert client.read(0, 2) != (0x001D, 0xE64A)
