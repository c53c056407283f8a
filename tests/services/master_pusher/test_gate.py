"""TLS receivers: not one byte before the verdict, cut at once after Delete, seen and acknowledged."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from services.master_pusher.batch import Batch
from services.master_pusher.gate import Gate
from services.master_pusher.groups import GROUPS
from services.master_pusher.sender import ModbusSender, Sent, UntrustedError
from shared.bus.messages import Enforced, Seen, Trust
from shared.config.master import Target as Settings
from shared.config.model import Certificates, Config
from shared.errors import PeerError
from shared.tls.certificate import fingerprint
from shared.tls.keys import store
from tests.services.master_pusher.samples import FakeLife, batch
from tests.shared.tls.material import NOW_S, Made, make, own_keys
from tests.support import until

SLAVE = make("slave")
ALL = tuple(GROUPS)


class Slave:
    """Confirms every write. A client must show a certificate of ours."""

    def __init__(self) -> None:
        self.taken = b""
        self.requests = 0
        self.ended = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(7)
                self.taken += head
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                self.requests += 1
                writer.write(head[:4] + b"\0\6" + head[6:] + pdu[:5])
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.ended += 1
        finally:
            writer.close()


@asynccontextmanager
async def tls_slave(identity: Path, known: Path) -> AsyncIterator[Slave]:
    slave = Slave()
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(identity)
    settings.load_verify_locations(known)
    settings.verify_mode = ssl.CERT_REQUIRED
    async with await asyncio.start_server(slave.serve, "127.0.0.1", 0, ssl=settings) as server:
        slave.port = int(server.sockets[0].getsockname()[1])
        yield slave


class Manager:
    """The owner's decisions, and what the pusher says about them."""

    def __init__(self, life: FakeLife) -> None:
        self.life = life
        self.seq = 0

    def say(self, *accepted: Made, authorities: tuple[Made, ...] = (), blocked: tuple[Made, ...] = ()) -> None:
        self.seq += 1
        self.life.deliver(
            Trust(
                src="certificate-manager",
                gen=1,
                seq=self.seq,
                t_ns=1,
                accepted={fingerprint(made.der): "rw" for made in accepted},
                blocked=tuple(fingerprint(made.der) for made in blocked),
                authorities=b"".join(made.pem for made in authorities),
                own=own_keys().version,
            )
        )

    @property
    def seen(self) -> list[Seen]:
        return [each for each in self.life.messages.published if isinstance(each, Seen)]

    @property
    def enforced(self) -> Enforced:
        return [each for each in self.life.messages.published if isinstance(each, Enforced)][-1]


Story = Callable[[Slave, Manager, ModbusSender], Awaitable[None]]


def play(folder: Path, story: Story, identity: Made = SLAVE, host: str = "127.0.0.1", *, keys: bool = True) -> None:
    async def run() -> None:
        for pair in own_keys().pairs if keys else ():
            store(folder, pair)
        (folder / "known.pem").write_bytes(own_keys().ec.export())
        changes: list[int] = []
        life = FakeLife(config=Config(certificates=Certificates(keys_dir=folder)))
        gate = Gate(life, lambda: changes.append(1), lambda: NOW_S)
        work = asyncio.create_task(gate.run())
        await until(lambda: Trust in life.messages.handlers)
        async with tls_slave(identity.save(folder), folder / "known.pem") as slave:
            settings = Settings(address=f"mbaps://{host}:{slave.port}", timeout_s=2.0)
            sender = ModbusSender(settings, gate)
            await story(slave, Manager(life), sender)
            sender.close()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    with capture_logs():
        asyncio.run(run())


async def connected(sender: ModbusSender) -> None:
    """Once own keys are loaded."""
    for _ in range(100):
        try:
            await sender.connect()
        except PeerError:
            await asyncio.sleep(0.01)
        else:
            return
    await sender.connect()


async def pushed(sender: ModbusSender, one: Batch | None = None) -> Sent:
    return await sender.send(one or batch(), ALL)


def test_an_accepted_slave_gets_everything(tmp_path: Path) -> None:
    async def story(slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(SLAVE)
        await connected(sender)
        assert await pushed(sender) == Sent()
        assert slave.requests == 5
        assert sender.fingerprint == fingerprint(SLAVE.der)
        (seen,) = manager.seen
        assert (seen.direction, seen.verdict, seen.address, seen.der) == ("out", "ACCEPTED", "127.0.0.1", SLAVE.der)
        assert manager.enforced.connections == {fingerprint(SLAVE.der): 1}
        assert (manager.enforced.trust_gen, manager.enforced.trust_seq) == (1, 1)

    play(tmp_path, story)


def test_an_unknown_slave_is_listed_and_gets_not_one_byte(tmp_path: Path) -> None:
    async def story(slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say()
        with pytest.raises(UntrustedError, match=f"metergate certs accept {fingerprint(SLAVE.der)}"):
            await connected(sender)
        assert manager.seen[0].verdict == "PENDING"
        assert sender.fingerprint == fingerprint(SLAVE.der)
        manager.say(SLAVE)
        await sender.connect()
        await pushed(sender)
        assert slave.taken.startswith(b"\0\1\0\0"), "nothing came before the first request"

    play(tmp_path, story)


def test_before_the_certificate_manager_has_spoken_nothing_is_opened(tmp_path: Path) -> None:
    async def story(slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        with pytest.raises(PeerError, match="the certificate manager has not said yet"):
            await sender.connect()
        assert (slave.ended, slave.taken) == (0, b"")
        assert manager.enforced.trust_seq == 0

    play(tmp_path, story)


def test_delete_cuts_at_once_and_is_acknowledged(tmp_path: Path) -> None:
    async def story(slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(SLAVE)
        await connected(sender)
        await pushed(sender)
        manager.say()
        assert not sender.connected, "before the call returned"
        assert manager.enforced.closed == {fingerprint(SLAVE.der): 1}
        assert manager.enforced.connections == {}
        assert manager.enforced.trust_seq == 2
        with pytest.raises(PeerError):
            await pushed(sender)
        await until(lambda: slave.ended == 1)
        assert slave.requests == 5

    play(tmp_path, story)


def test_an_authority_counts_for_the_host_that_a_certificate_names(tmp_path: Path) -> None:
    root = make("root", with_key="ec-root", ca=True)
    leaf = make("leaf", issuer=root, extensions=[x509.SubjectAlternativeName([x509.DNSName("localhost")])])

    async def named(_slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(authorities=(root,))
        await connected(sender)
        assert await pushed(sender) == Sent()
        assert (manager.seen[0].verdict, manager.seen[0].authority) == ("CA_VALID", fingerprint(root.der))
        manager.say()
        assert not sender.connected, "its authority is gone"

    async def misnamed(slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(authorities=(root,))
        with pytest.raises(UntrustedError, match=r"is made out to .*localhost, not to 127\.0\.0\.1"):
            await connected(sender)
        assert manager.seen[0].verdict == "PENDING"
        assert slave.taken == b""

    async def blocked(slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(authorities=(root,), blocked=(leaf,))
        with pytest.raises(UntrustedError, match="blocked by the owner"):
            await connected(sender)
        assert slave.taken == b""

    play(tmp_path, named, leaf, host="localhost")
    play(tmp_path, misnamed, leaf, host="127.0.0.1")
    play(tmp_path, blocked, leaf, host="localhost")


def test_older_decisions_change_nothing(tmp_path: Path) -> None:
    async def story(_slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(SLAVE)
        await connected(sender)
        manager.seq = 0
        manager.say()
        assert sender.connected

    play(tmp_path, story)


def test_without_own_keys_it_is_said(tmp_path: Path) -> None:
    async def story(_slave: Slave, manager: Manager, sender: ModbusSender) -> None:
        manager.say(SLAVE)

        faults: list[str] = []
        for _ in range(100):
            with pytest.raises(PeerError) as caught:
                await sender.connect()
            faults.append(str(caught.value))
            await asyncio.sleep(0.005)
        assert "does not hold both key pairs" in faults[-1]

    play(tmp_path, story, keys=False)
