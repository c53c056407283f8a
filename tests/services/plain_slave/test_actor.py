"""The role: what it subscribes to, serves, publishes and refuses; once as a real process."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from structlog.testing import capture_logs

from services.plain_slave.actor import PlainSlave
from shared import clock
from shared.actor import Life
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Command, Image, Message, Sessions
from shared.bus.publisher import Stamp
from shared.config.model import Config, Meter, Simulated, Slave
from shared.errors import EXIT_CONFIG, EXIT_DONE
from shared.modbus.listen import bind
from tests.shared.modbus.samples import answer, exception, image, read, registers
from tests.support import Processes, free_port, is_listening, until, wait_for

HOUSE = Meter(id="house", source="simulated", simulated=Simulated())


class FakeBus:
    """Keeps what is published, and the handler of images."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.subscribed: list[tuple[str, type[Message]]] = []
        self.deliver: Callable[[Image], None]
        self.obey: Callable[[Command], Awaitable[dict[str, Any]]]

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        return Stamp(src="plain-slave", gen=1, seq=len(self.published))

    def publish(self, message: Message, _key: str = "") -> None:
        self.published.append(message)

    def serve(self, handler: Callable[[Command], Awaitable[dict[str, Any]]]) -> None:
        self.obey = handler

    def subscribe(self, instance: str, kind: type[Message], handler: Callable[[Image], None]) -> None:
        self.subscribed.append((instance, kind))
        self.deliver = handler


class FakeLife(Life):
    """Keeps what it is told."""

    def __init__(self, settings: Slave, *listening: socket.socket) -> None:
        self.messages = FakeBus()
        super().__init__(
            instance="plain-slave",
            config=Config(meter=(HOUSE,), slave=settings),
            bus=cast("Bus", self.messages),
            log=structlog.get_logger(),
            listen=listening,
        )
        self.is_ready = False
        self.told: dict[str, Any] = {}

    def ready(self) -> None:
        self.is_ready = True

    def status(self, **fields: int | str | bool) -> None:
        self.told |= fields

    @property
    def sessions(self) -> list[Sessions]:
        return [message for message in self.messages.published if isinstance(message, Sessions)]


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    reply = await reader.read(300)
    writer.close()
    return reply


def test_the_life_of_the_role() -> None:
    async def story() -> None:
        held = bind("127.0.0.1", 0)
        port = held.getsockname()[1]
        life = FakeLife(Slave(host="192.0.2.1"), held)  # not an address of ours: the held socket is used
        work = asyncio.create_task(PlainSlave(life).run())
        await until(lambda: life.is_ready)
        assert life.messages.subscribed == [("register-store", Image)]
        assert life.told["fresh_until_ns"] == 0
        assert await ask(port, read(0, 2)) == exception(3, 4)
        now = clock.now_ns()
        life.messages.deliver(image(t_ns=now))
        assert await ask(port, read(0, 2)) == answer(registers(0, 2))
        with capture_logs() as lines:
            for seq in range(5, 8):
                life.messages.deliver(image(t_ns=now, meter="removed", seq=seq))
            life.messages.deliver(image(t_ns=now))  # the same again, as after a reconnect
            life.messages.deliver(image(t_ns=now * 2, seq=9))
        assert [(line["meter"], line["reason"], line["times"]) for line in lines] == [
            ("removed", "of a meter that is not configured", 1),
            ("removed", "of a meter that is not configured", 2),
            ("house", "dated in the future", 1),
        ]
        await until(lambda: life.sessions[-1].requests == 2)
        last = life.sessions[-1]
        assert (last.port, last.connections, last.accepted, last.exceptions) == (port, 0, 2, 1)
        assert life.told["fresh_until_ns"] == now + 5_000_000_000
        await life.messages.obey(Command(id=1, verb="pause", args={"who": "127.0.0.1"}, deadline_ns=0))
        assert await ask(port, read(0, 2)) == exception(3, 6)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await reader.read() == b""
        writer.close()
        assert not is_listening(port)

    with capture_logs():
        asyncio.run(story())


def test_who_connects_before_the_first_image_is_answered_from_it() -> None:
    async def story() -> None:
        held = bind("127.0.0.1", 0)
        held.listen()  # as the supervisor's does while the role starts
        port = held.getsockname()[1]
        life = FakeLife(Slave(), held)
        work = asyncio.create_task(PlainSlave(life).run())
        early = asyncio.create_task(ask(port, read(0, 2)))
        await until(lambda: life.messages.subscribed)
        assert not early.done()
        life.messages.deliver(image(t_ns=clock.now_ns()))
        assert await early == answer(registers(0, 2))
        assert life.is_ready
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    with capture_logs():
        asyncio.run(story())


def settings_file(run_dir: Path, port: int) -> dict[str, str]:
    """Settings for a process, and the environment that names them."""
    file = run_dir / "metergate.toml"
    file.write_text(
        f'[gateway]\nrun_dir = "run"\n[[meter]]\nid = "house"\nsource = "simulated"\n'
        f'[meter.simulated]\n[slave]\nhost = "127.0.0.1"\nport = {port}\n',
        encoding="utf-8",
    )
    return {"METERGATE_CONFIG": str(file)}


def test_started_by_hand_it_serves_what_the_store_publishes(run_dir: Path, processes: Processes) -> None:
    port = free_port()
    process = processes.python("-m", "services.plain_slave", env=settings_file(run_dir, port))
    wait_for(lambda: is_listening(port))

    async def story() -> None:
        bus = Bus(Endpoints(run_dir / "run"), "register-store", 1, structlog.get_logger())
        heard: list[Sessions] = []
        bus.subscribe("plain-slave", Sessions, heard.append)
        assert await ask(port, read(0, 2)) == exception(3, 4)
        for seq in (1, 2):
            bus.publish(image(t_ns=clock.now_ns(), seq=seq), "house")
        served: list[bytes] = []

        async def look() -> None:
            while answer(registers(0, 2)) not in served:
                served.append(await ask(port, read(0, 2)))

        await asyncio.wait_for(look(), 5)
        assert set(served) <= {exception(3, 4), answer(registers(0, 2))}
        await until(lambda: heard and heard[-1].requests > 1)
        assert heard[-1].port == port
        bus.close()

    asyncio.run(story())
    assert process.terminate() == EXIT_DONE


def test_a_taken_port_ends_the_process_with_the_code_for_settings(run_dir: Path, processes: Processes) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        process = processes.python("-m", "services.plain_slave", env=settings_file(run_dir, port))
        assert process.wait() == EXIT_CONFIG
        assert f"cannot listen on 127.0.0.1:{port}" in process.output
