"""The role: as a real process beside a store and a manager that the test plays."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from services.tls_slave.actor import handshake_limits
from shared import clock
from shared.audit.record import folder_of
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Enforced, Event, RoleRights, Seen, Sessions, Trust
from shared.config.model import Slave
from shared.errors import EXIT_CONFIG, EXIT_DONE, EXIT_UNAVAILABLE
from shared.modbus.listen import bind
from shared.tls.certificate import fingerprint
from shared.tls.keys import OwnKeys, load_or_make
from tests.shared.modbus.samples import answer, exception, image, read, registers
from tests.shared.tls.material import client_settings, connect, make
from tests.shared.tls.trusted import trust
from tests.support import Process, Processes, free_port, until

ONE, OTHER = make("one"), make("other")
ASK, REFUSED, GIVEN = read(0, 2), exception(3, 1), answer(registers(0, 2))


def test_the_settings_become_limits_of_handshakes() -> None:
    hands = handshake_limits(Slave(handshakes_per_s=500, handshakes_per_s_per_address=300))
    assert (hands.rate, hands.burst, hands.rate_per_origin, hands.burst_per_origin) == (500, 500, 300, 300)
    usual = handshake_limits(Slave())
    assert (usual.rate, usual.rate_per_origin) == (100, 10)
    assert usual.burst_per_origin >= Slave().max_connections_per_address  # all clients of an address may come back


class House:
    """The folders, the other roles' buses, and the process under test."""

    def __init__(self, folder: Path, processes: Processes, more: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.file = folder / "metergate.toml"
        self.file.write_text(
            '[log]\nformat = "json"\n[[meter]]\nid = "house"\nsource = "simulated"\n[meter.simulated]\n'
            f'[slave]\nhost = "127.0.0.1"\ntls = true\ntls_port = {self.port}\n{more}',
            encoding="utf-8",
        )
        self._processes = processes
        self.seen: list[Seen] = []
        self.enforced: list[Enforced] = []
        self.sessions: list[Sessions] = []
        self.events: list[Event] = []

    def make_keys(self, *names: str) -> OwnKeys:
        return load_or_make(self.folder / "keys", names or ("localhost",), 0)

    def launch(self) -> Process:
        return self._processes.python("-m", "services.tls_slave", env={"METERGATE_CONFIG": str(self.file)})

    @asynccontextmanager
    async def buses(self) -> AsyncIterator[tuple[Bus, Bus]]:
        """Of the store and of the manager."""
        (self.folder / "run").mkdir(mode=0o700, exist_ok=True)
        ends = Endpoints(self.folder / "run")
        store = Bus(ends, "register-store", 1, structlog.get_logger())
        manager = Bus(ends, "certificate-manager", 1, structlog.get_logger())
        manager.subscribe("tls-slave", Seen, self.seen.append, every=True)
        manager.subscribe("tls-slave", Enforced, self.enforced.append, every=True)
        manager.subscribe("tls-slave", Sessions, self.sessions.append)
        manager.subscribe("tls-slave", Event, self.events.append, every=True)
        try:
            yield store, manager
        finally:
            store.close()
            manager.close()

    async def connect(self, path: Path) -> ssl.SSLSocket:
        sock = await asyncio.to_thread(connect, self.port, client_settings(path))
        sock.settimeout(5)
        return sock


async def ask(peer: ssl.SSLSocket, request: bytes = ASK) -> bytes:
    def blocking() -> bytes:
        try:
            peer.sendall(request)
            return peer.recv(300)
        except (ConnectionError, ssl.SSLError):
            return b""

    return await asyncio.to_thread(blocking)


def test_the_life_of_the_role(run_dir: Path, processes: Processes) -> None:
    house = House(run_dir, processes)
    house.make_keys()
    one, other = ONE.save(run_dir), OTHER.save(run_dir)

    async def story() -> None:
        async with house.buses() as (store, manager):
            process = house.launch()
            await until(lambda: house.enforced)
            assert (house.enforced[0].trust_gen, house.enforced[0].trust_seq) == (0, 0)
            store.publish(image(t_ns=clock.now_ns()), "house")
            manager.publish(trust(ONE))
            await until(lambda: "serving with TLS" in process.output)
            peer, stranger = await house.connect(one), await house.connect(other)
            await until(lambda: house.sessions)
            assert (await ask(peer), await ask(stranger)) == (GIVEN, REFUSED)
            await until(lambda: len(house.seen) >= 4, "seen again each second while it waits")
            by_verdict = {message.verdict: message for message in house.seen}
            assert {name: message.fingerprint for name, message in by_verdict.items()} == {
                "ACCEPTED": fingerprint(ONE.der),
                "PENDING": fingerprint(OTHER.der),
            }
            pending = by_verdict["PENDING"]
            assert (pending.der, pending.direction, pending.address) == (OTHER.der, "in", "127.0.0.1")
            assert (pending.protocol, pending.authority) == ("TLSv1.3", "")
            assert [message.verdict for message in house.seen].count("ACCEPTED") == 1
            await until(lambda: len(house.enforced[-1].connections) == 2)
            await until(lambda: house.sessions[-1].requests == 2)
            assert sorted(house.sessions[-1].labels.values()) == sorted(["label 0", fingerprint(OTHER.der)])

            manager.publish(trust(OTHER, seq=2))
            assert await asyncio.to_thread(peer.recv, 1) == b""
            await until(lambda: house.enforced[-1].trust_seq == 2)
            assert house.enforced[-1].closed == {fingerprint(ONE.der): 1}
            assert house.enforced[-1].connections == {fingerprint(OTHER.der): 1}
            assert await ask(stranger) == GIVEN

            manager.publish(trust(OTHER, seq=3, roles=(RoleRights("", (3,), ((5, 9),)),)))
            await until(lambda: house.enforced[-1].trust_seq == 3)
            assert (await ask(stranger), await ask(stranger)) == (REFUSED, REFUSED)
            await until(lambda: house.events)
            (event,) = house.events
            assert (event.kind, event.data["what"]) == ("refused.role", "function 3 on 0 to 1")
            log = (folder_of(run_dir / "state") / "tls-slave.jsonl").read_text(encoding="utf-8")
            (line,) = map(json.loads, log.splitlines())
            assert (line["what"], line["who"]["label"], line["result"]) == ("refused.role", "label 0", "exception 01")
            assert await asyncio.to_thread(process.terminate) == EXIT_DONE
            peer.close()
            stranger.close()

    asyncio.run(story())


def test_without_a_manager_all_are_refused_until_it_comes(run_dir: Path, processes: Processes) -> None:
    house = House(run_dir, processes)
    one = ONE.save(run_dir)

    async def story() -> None:
        async with house.buses() as (store, manager):
            process = house.launch()
            store.publish(image(t_ns=clock.now_ns()), "house")
            await until(lambda: "nobody is served before" in process.output)
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await house.connect(one)
            manager.publish(trust(ONE))
            await until(lambda: "own keys cannot be used" in process.output)
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await house.connect(one)
            house.make_keys()
            await until(lambda: "own certificates in use" in process.output)
            peer = await house.connect(one)
            assert await ask(peer) == GIVEN
            peer.close()
        peer = await house.connect(one)  # the manager has gone: what it said last still counts
        assert await ask(peer) == GIVEN
        peer.close()

    asyncio.run(story())


def test_new_own_keys_are_shown_from_the_next_handshake_on(run_dir: Path, processes: Processes) -> None:
    house = House(run_dir, processes)
    old = house.make_keys()
    one = ONE.save(run_dir)

    async def story() -> None:
        async with house.buses() as (store, manager):
            process = house.launch()
            store.publish(image(t_ns=clock.now_ns()), "house")
            manager.publish(trust(ONE, own=old.version))
            await until(lambda: "own certificates in use" in process.output)
            before = await house.connect(one)
            assert fingerprint(before.getpeercert(binary_form=True) or b"") == old.ec.certificate.fingerprint
            for file in (run_dir / "keys").iterdir():
                file.unlink()
            new = house.make_keys("renewed")
            manager.publish(trust(ONE, own=new.version, seq=2))
            await until(lambda: process.output.count("own certificates in use") == 2)
            after = await house.connect(one)
            assert fingerprint(after.getpeercert(binary_form=True) or b"") == new.ec.certificate.fingerprint
            assert (await ask(before), await ask(after)) == (GIVEN, GIVEN)
            before.close()
            after.close()

    asyncio.run(story())


def test_decisions_that_cannot_be_understood_end_the_process(run_dir: Path, processes: Processes) -> None:
    house = House(run_dir, processes)
    house.make_keys()

    async def story() -> None:
        async with house.buses() as (_, manager):
            process = house.launch()
            await until(lambda: house.enforced)
            manager.publish(Trust(src="certificate-manager", gen=1, seq=1, t_ns=1, accepted={"ab": "all"}))
            assert await asyncio.to_thread(process.wait) == 1
            assert "trust/1 of certificate-manager" in process.output

    asyncio.run(story())


def test_a_taken_port_is_an_error_in_the_settings_and_a_folder_that_cannot_be_written_may_pass(
    run_dir: Path, processes: Processes
) -> None:
    house = House(run_dir, processes)
    with bind("127.0.0.1", house.port) as taken:
        taken.listen()
        process = house.launch()
        assert process.wait() == EXIT_CONFIG
        assert f"cannot listen on 127.0.0.1:{house.port}" in process.output
    (run_dir / "state").mkdir(exist_ok=True)
    for entry in (run_dir / "state" / "audit").iterdir():
        entry.unlink()
    (run_dir / "state" / "audit").rmdir()
    (run_dir / "state" / "audit").write_text("no folder")
    process = house.launch()
    assert process.wait() == EXIT_UNAVAILABLE
    assert "the audit log cannot be written" in process.output
