"""Receivers behind TLS: everything arrives at one that is accepted, and a send after the cut says why."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.master_pusher.groups import GROUPS
from services.master_pusher.sender import ModbusSender, Sent
from services.master_pusher.web import WebSender
from shared.config.master import Target as Settings
from shared.errors import PeerError, UntrustedError
from shared.tls.certificate import fingerprint
from tests.services.master_pusher.samples import batch
from tests.shared.tls.manager import Manager, tls_server
from tests.shared.tls.material import make, run

SLAVE = make("slave")
ALL = tuple(GROUPS)


class Slave:
    """Confirms every write."""

    def __init__(self) -> None:
        self.requests = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                self.requests += 1
                writer.write(head[:4] + b"\0\6" + head[6:] + pdu[:5])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


Story = Callable[[Slave, Manager], Awaitable[None]]


def play(folder: Path, story: Story) -> None:
    async def whole() -> None:
        manager, slave = Manager(folder), Slave()
        async with tls_server(slave.serve, SLAVE.save(folder), manager.known) as slave.port, manager.running():
            await story(slave, manager)

    with capture_logs():
        run(whole())


def test_an_accepted_slave_gets_everything_and_nothing_after_delete(tmp_path: Path) -> None:
    async def story(slave: Slave, manager: Manager) -> None:
        sender = ModbusSender(Settings(address=f"mbaps://127.0.0.1:{slave.port}", timeout_s=2.0), manager.outward)
        manager.say()
        with pytest.raises(UntrustedError, match="is not accepted yet"):
            await sender.connect()
        assert sender.fingerprint == fingerprint(SLAVE.der), "shown, so that it can be accepted"
        manager.say(SLAVE)
        await sender.connect()
        assert await sender.send(batch(), ALL) == Sent()
        assert slave.requests == 5
        manager.say()
        assert not sender.connected
        with pytest.raises(UntrustedError, match="is not accepted yet"):
            await sender.send(batch(), ALL)
        assert slave.requests == 5
        sender.close()

    play(tmp_path, story)


def test_a_web_service_is_told_nothing_after_the_cut(tmp_path: Path) -> None:
    async def story(slave: Slave, manager: Manager) -> None:
        sender = WebSender(Settings(address=f"https://127.0.0.1:{slave.port}/values"), manager.outward)
        manager.say(SLAVE)
        await sender.connect()
        manager.say()
        with pytest.raises(UntrustedError, match="is not accepted yet"):
            await sender.send(batch(), ALL)
        sender.close()

    play(tmp_path, story)


def test_without_a_certificate_manager_there_is_no_tls() -> None:
    async def story() -> None:
        with pytest.raises(PeerError, match="without the certificate manager there is no TLS"):
            await ModbusSender(Settings(address="mbaps://127.0.0.1:802"), None).connect()

    run(story())
