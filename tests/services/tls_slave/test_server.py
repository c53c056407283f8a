"""Real connections, real certificates, foreign clients: the interpreter's own TLS."""

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from services.tls_slave.quarantine import MOST_PER_ADDRESS, STAY_NS
from shared import clock
from shared.tls.certificate import fingerprint
from tests.services.tls_slave.bench import ASK, CUT_S, GIVEN, REFUSED, Client, serving
from tests.shared.modbus.samples import adu, answer, exception, image, read, registers
from tests.shared.tls.material import client_settings, make, run
from tests.shared.tls.trusted import decided
from tests.support import until

ONE, OTHER = make("one"), make("other")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_accepted_peer_is_served_known_answers_too(version: ssl.TLSVersion, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE) as bench:
            client = await bench.connect(ONE, version=version)
            for transaction in (1, 2, 3):
                assert await client.ask(read(1, 2, transaction)) == answer(registers(1, 2), transaction)
            assert await client.ask(adu(b"\x63")) == exception(0x63, 1)
            (access,) = bench.seen_
            assert access.verdict.served
            counters = bench.server.counters()
            assert (counters.requests, counters.exceptions) == (4, 1)
            (told,) = bench.server.clients()
            assert (told.fingerprint, told.label) == (access.peer.certificate.fingerprint, "label 0")
            assert (told.protocol, told.function, told.paused) == (access.peer.version, 0x63, False)

    run(story())


def test_a_certificate_is_paused_wherever_it_comes_from_and_an_unaccepted_one_is_refused_as_ever(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE) as bench:
            first, other = await bench.connect(ONE), await bench.connect(OTHER)
            assert (await first.ask(), await first.ask()) == (GIVEN, GIVEN)
            name = fingerprint(ONE.der)
            assert (bench.server.pause(name), bench.server.pause("127.0.0.1"), bench.server.paused) == (
                1,
                2,
                (name, "127.0.0.1"),
            )
            second = await bench.connect(ONE)
            for peer in (first, second):
                assert await peer.ask() == exception(3, 6)
            assert await other.ask() == REFUSED
            assert bench.server.resume("127.0.0.1") == 3
            assert await first.ask() == exception(3, 6)
            bench.server.decide(decided(ONE, OTHER, seq=2))
            assert (await first.ask(), await other.ask()) == (exception(3, 6), GIVEN)
            assert bench.server.resume(name) == 2
            for peer in (first, second, first):
                assert await peer.ask() == GIVEN

    run(story())


def test_an_unknown_peer_is_refused_everything_and_served_after_accept_on_the_same_connection(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            client = await bench.connect(ONE)
            for request, refusal in ((ASK, REFUSED), (adu(b"\x63"), exception(0x63, 1)), (read(0, 126), REFUSED)):
                assert await client.ask(request) == refusal
            assert [access.verdict.served for access in bench.server.waiting()] == [False]
            bench.server.decide(decided(ONE, seq=2))
            assert await client.ask() == GIVEN
            assert bench.server.waiting() == []
            assert bench.server.closed == {}

    run(story())


async def _flood(client: Client) -> None:
    """Ask without end and never read an answer."""

    def flood() -> None:
        try:
            while True:
                client.sock.sendall(ASK * 200)
        except OSError:
            return

    await asyncio.to_thread(flood)


@pytest.mark.parametrize("state", ["idle", "busy", "never reads", "slow write"])
def test_delete_cuts_at_once_whatever_the_peer_does(state: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE, OTHER, external_control=True) as bench:
            client, bystander = await bench.connect(ONE), await bench.connect(OTHER)
            assert await client.ask() == GIVEN
            work: asyncio.Task[Any] | None = None
            if state == "busy":

                async def poll() -> None:
                    while await client.ask() == GIVEN:
                        pass

                work = asyncio.create_task(poll())
                await until(lambda: bench.server.counters().requests > 10)
            elif state == "never reads":
                work = asyncio.create_task(_flood(client))
                await until(lambda: any(each._blocked for each in bench.server._connections), "full buffers")
            elif state == "slow write":
                bench.replica.take(image(seq=2, t_ns=clock.now_ns()), clock.now_ns())
                handed = asyncio.Event()

                async def hang(*_: Any) -> dict[str, Any]:
                    handed.set()
                    return dict(await asyncio.Future[dict[str, Any]]())

                bench.server._writer._call = hang
                work = asyncio.create_task(client.ask(adu(bytes.fromhex("06A0D00003"))))
                await handed.wait()
            begin = time.monotonic()
            bench.server.decide(decided(OTHER, seq=2))
            assert bench.server.open_by_fingerprint().total() == 1
            if work is not None:
                await work
            await client.ended()
            assert time.monotonic() - begin < CUT_S
            assert list(bench.server.closed.values()) == [1]
            assert await bystander.ask() == GIVEN
            again = await bench.connect(ONE)
            assert await again.ask() == REFUSED

    run(story())


def test_a_saved_session_does_not_get_back_in(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE) as bench:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                bench.server.decide(decided(ONE, gen=version.value))
                settings = client_settings(ONE.save(tmp_path), version)
                first = await bench.connect_as(settings)
                assert await first.ask() == GIVEN
                session = first.sock.session
                bench.server.decide(decided(gen=version.value, seq=2))
                await first.ended()
                again = await bench.connect_as(settings, session)
                assert not again.sock.session_reused
                assert await again.ask() == REFUSED
                again.close()
                await until(lambda: not bench.server.connections)

    run(story())


def test_the_quarantine_is_small_and_short(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            strangers = [make(f"stranger {number}") for number in range(MOST_PER_ADDRESS + 1)]
            clients = [await bench.connect(stranger) for stranger in strangers]
            assert [await client.ask() for client in clients] == [REFUSED] * MOST_PER_ADDRESS + [b""]
            assert len(bench.seen_) == len(strangers)
            bench.later_ns = STAY_NS
            for client in clients:
                await client.ended()
            assert bench.server.waiting() == []
            await until(lambda: not bench.server.connections)
            fresh = await bench.connect(strangers[-1])
            assert await fresh.ask() == REFUSED

    run(story())
