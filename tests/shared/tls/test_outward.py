"""Whom we connect to: not one byte before the verdict, cut at once when it changes, seen and acknowledged."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from shared.connect import Connector
from shared.errors import PeerError, UntrustedError
from shared.tls.certificate import fingerprint
from shared.tls.outward import LOOK_EVERY_S, Vetted
from tests.shared.tls.manager import Manager, tls_server
from tests.shared.tls.material import DAY, NOW, Echo, Made, make, run
from tests.support import until

TARGET = make("target")
IDENTITY = fingerprint(TARGET.der)
LOCALHOST = [x509.SubjectAlternativeName([x509.DNSName("localhost")])]
ROOT = make("root", with_key="ec-root", ca=True)
LEAF = make("leaf", issuer=ROOT, extensions=LOCALHOST)


class Target:
    """Keeps what it is sent, and says nothing.

    Attributes:
        handshakes: completed.
        taken: bytes.
        ended: connections that have ended.
    """

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self.to: Connector
        self.handshakes = 0
        self.taken = b""
        self.ended = 0
        self.protocol = Echo()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        try:
            while data := await reader.read(1000):
                self.taken += data
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self.ended += 1
            writer.close()

    async def dial(self) -> Vetted:
        """Connect to it, and speak at once."""

        def greet() -> asyncio.Protocol:
            self.protocol = Echo()
            return self.protocol

        vetted = await self._manager.outward.dial(self.to, greet, 5.0)
        self.protocol.transport.write(b"hello")
        return vetted

    @property
    def cut(self) -> bool:
        """Whether our side has ended the last connection."""
        return self.protocol.transport.is_closing()


Story = Callable[[Target, Manager], Awaitable[None]]


def play(folder: Path, story: Story, made: Made = TARGET, host: str = "127.0.0.1") -> None:
    async def whole() -> None:
        manager = Manager(folder)
        target = Target(manager)
        async with tls_server(target.serve, made.save(folder), manager.known) as port, manager.running():
            target.to = Connector(host, port)
            await story(target, manager)
            if hasattr(target.protocol, "transport"):
                target.protocol.transport.abort()
            await until(lambda: target.ended == target.handshakes)

    with capture_logs():
        run(whole())


def test_an_accepted_one_is_spoken_to_seen_and_counted(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say(TARGET)
        assert manager.changes == 1
        vetted = await target.dial()
        vetted.check()
        await until(lambda: target.taken == b"hello")
        (seen,) = manager.bus.seen
        assert (seen.direction, seen.verdict, seen.address, seen.der) == ("out", "ACCEPTED", "127.0.0.1", TARGET.der)
        assert seen.protocol == "TLSv1.3"
        enforced = manager.bus.enforced
        assert (enforced.trust_gen, enforced.trust_seq, enforced.connections) == (1, 1, {IDENTITY: 1})
        assert manager.outward.own_fingerprint == manager.own.ec.certificate.fingerprint
        target.protocol.transport.close()
        await until(lambda: manager.bus.enforced.connections == {})

    play(tmp_path, story)


def test_an_unknown_one_is_listed_told_and_gets_not_one_byte(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say()
        digits = " ".join(IDENTITY[at : at + 4] for at in range(0, 16, 4))
        wanted = rf"certificate {digits} \.\.\. is not accepted yet: metergate certs accept {IDENTITY}"
        with pytest.raises(UntrustedError, match=wanted) as caught:
            await target.dial()
        assert caught.value.fingerprint == IDENTITY
        await until(lambda: target.ended == 1)
        assert (target.handshakes, target.taken) == (1, b"")
        assert [(seen.fingerprint, seen.verdict) for seen in manager.bus.seen] == [(IDENTITY, "PENDING")]

    play(tmp_path, story)


def test_before_the_certificate_manager_has_spoken_nothing_is_opened(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        with pytest.raises(PeerError, match="nobody has said yet whom to trust"):
            await target.dial()
        assert target.handshakes == 0
        assert (manager.bus.enforced.trust_gen, manager.bus.enforced.trust_seq) == (0, 0)

    play(tmp_path, story)


def test_delete_cuts_at_once_and_is_acknowledged_once(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say(TARGET)
        vetted = await target.dial()
        manager.say()
        assert target.cut, "before the call returned"
        enforced = manager.bus.enforced
        assert (enforced.trust_seq, enforced.closed, enforced.connections) == (2, {IDENTITY: 1}, {})
        for _ in range(2):
            with pytest.raises(UntrustedError, match="is not accepted yet"):
                vetted.check()
        manager.say()
        assert manager.bus.enforced.closed == {IDENTITY: 1}

    play(tmp_path, story)


def test_older_decisions_that_come_late_change_nothing(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say(TARGET)
        manager.say()
        manager.seq = 0
        manager.say(TARGET)
        with pytest.raises(UntrustedError, match="is not accepted yet"):
            await target.dial()

    play(tmp_path, story)


def test_the_calendar_ends_a_connection_and_refuses_before(tmp_path: Path) -> None:
    short = make("short", end=NOW + DAY)

    async def story(target: Target, manager: Manager) -> None:
        manager.say(short)
        vetted = await target.dial()
        manager.wall_s += 2 * DAY.total_seconds()
        with pytest.raises(UntrustedError, match="is refused: its validity has ended"):
            vetted.check()
        await until(lambda: target.cut, "looked at by itself", 3 * LOOK_EVERY_S)
        assert manager.bus.enforced.closed == {fingerprint(short.der): 1}

    play(tmp_path, story, short)


def test_a_known_authority_counts_for_the_host_that_its_certificate_names(tmp_path: Path) -> None:
    async def named(target: Target, manager: Manager) -> None:
        manager.say(authorities=(ROOT,))
        await target.dial()
        await until(lambda: target.taken)
        (seen,) = manager.bus.seen
        assert (seen.verdict, seen.authority) == ("CA_VALID", fingerprint(ROOT.der))
        manager.say(authorities=(ROOT,), blocked=(LEAF,))
        assert target.cut
        with pytest.raises(UntrustedError, match="is refused: blocked by the owner"):
            await target.dial()

    async def misnamed(target: Target, manager: Manager) -> None:
        manager.say(authorities=(ROOT,))
        with pytest.raises(
            UntrustedError, match=r"made out to .*localhost and not to 127\.0\.0\.1, is not accepted yet"
        ):
            await target.dial()
        assert (manager.bus.seen[0].verdict, manager.bus.seen[0].authority) == ("PENDING", "")
        assert target.taken == b""

    async def gone(target: Target, manager: Manager) -> None:
        manager.say(authorities=(ROOT,))
        await target.dial()
        manager.say()
        assert target.cut, "its authority is gone"

    play(tmp_path, named, LEAF, host="localhost")
    play(tmp_path, misnamed, LEAF, host="127.0.0.1")
    play(tmp_path, gone, LEAF, host="localhost")


def test_an_authority_of_the_system_counts_for_a_host_given_by_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL's own variable names the file of the system's authorities."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    addressed = make(
        "by address", issuer=ROOT, extensions=[x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])]
    )

    async def by_name(target: Target, manager: Manager) -> None:
        manager.say()
        await target.dial()
        await until(lambda: target.taken)
        assert (manager.bus.seen[0].verdict, manager.bus.seen[0].authority) == ("CA_VALID", fingerprint(ROOT.der))

    async def by_address(target: Target, manager: Manager) -> None:
        manager.say()
        with pytest.raises(UntrustedError, match="is not accepted yet"):
            await target.dial()
        assert target.taken == b""

    play(tmp_path, by_name, LEAF, host="localhost")
    play(tmp_path, by_address, addressed, host="127.0.0.1")


def test_an_authority_that_goes_during_the_handshake_counts_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say(authorities=(ROOT,))
        opening = target.to.open

        async def slowly(timeout_s: float) -> object:
            made = await opening(timeout_s)
            manager.say()
            return made

        monkeypatch.setattr(target.to, "open", slowly)
        with pytest.raises(PeerError, match="authorities have changed during the handshake"):
            await target.dial()
        assert target.taken == b""

    play(tmp_path, story, LEAF, host="localhost")


def test_whom_an_authority_vouches_for_is_introduced_to_a_new_certificate_manager(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say(authorities=(ROOT,))
        await target.dial()
        assert len(manager.bus.seen) == 1
        manager.gen, manager.seq = 2, 0
        manager.say(authorities=(ROOT,))
        manager.say(authorities=(ROOT,))  # again, before anybody was introduced
        await until(lambda: len(manager.bus.seen) == 2)
        assert manager.bus.seen[1].verdict == "CA_VALID"
        assert not target.cut

    play(tmp_path, story, LEAF, host="localhost")


def test_a_weak_key_is_not_even_listed(tmp_path: Path) -> None:
    weak = make("weak", with_key="p521")

    async def story(target: Target, manager: Manager) -> None:
        manager.say(weak)
        with pytest.raises(UntrustedError, match="is refused: its curve is secp521r1"):
            await target.dial()
        assert manager.bus.seen == []

    play(tmp_path, story, weak)


def test_own_keys_that_are_missing_damaged_or_new_are_noticed(tmp_path: Path) -> None:
    async def story(target: Target, manager: Manager) -> None:
        manager.say(TARGET)
        kept = (manager.keys_dir / "ec.pem").read_bytes()
        (manager.keys_dir / "ec.pem").write_text("nothing")
        with pytest.raises(PeerError, match="own keys cannot be used"):
            await target.dial()
        (manager.keys_dir / "ec.pem").write_bytes(kept)
        await target.dial()
        target.protocol.transport.abort()
        (manager.keys_dir / "ec.key").unlink()
        await target.dial()  # they are in memory, and the manager speaks of no others
        manager.own = type(manager.own)(manager.own.rsa, manager.own.rsa)
        manager.say(TARGET)
        with pytest.raises(PeerError, match="does not hold both key pairs"):
            await target.dial()

    play(tmp_path, story)
