"""Which peers are served for how long: dates, keys, authorities, roles, own keys, caps."""

import socket
import ssl
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.bus.messages import RoleRights
from shared.modbus.listen import bind
from shared.modbus.server import Limits
from shared.tls.trust import Standing
from tests.services.tls_slave.bench import CUT_S, GIVEN, REFUSED, Bench, serving
from tests.shared.modbus.samples import adu, answer, read, registers
from tests.shared.tls.material import DAY, NOW, Made, make, run
from tests.shared.tls.trusted import ALL, decided
from tests.support import until

ONE = make("one")


@pytest.mark.parametrize(
    ("made", "standing"),
    [
        (make("old", end=NOW - DAY), "EXPIRED"),
        (make("young", begin=NOW + DAY), "NOT_YET_VALID"),
    ],
)
def test_dates_count_for_accepted_peers_too(made: Made, standing: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, made) as bench:
            client = await bench.connect(made)
            assert await client.ask() == REFUSED
            assert [access.verdict.standing.name for access in bench.seen_] == [standing]

    run(story())


def test_an_open_connection_ends_with_its_certificate_and_a_waiting_one_begins(tmp_path: Path) -> None:
    async def story() -> None:
        ends, begins = make("ends", end=NOW + DAY), make("begins", begin=NOW + DAY)
        async with serving(tmp_path, ends, begins) as bench:
            old, young = await bench.connect(ends), await bench.connect(begins)
            assert (await old.ask(), await young.ask()) == (GIVEN, REFUSED)
            bench.now_s += 2 * 86_400
            assert await old.ended() < 2
            assert await young.ask() == GIVEN

    run(story())


def test_a_weak_key_is_neither_listed_nor_answered(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            client = await bench.connect(make("weak", with_key="rsa1024"))
            assert await client.ask() == b""
            assert bench.seen_ == []
            await until(lambda: bench.server.counters().refused == 1)

    run(story())


def test_a_known_authority_serves_its_children_until_one_is_blocked_or_it_goes(tmp_path: Path) -> None:
    async def story() -> None:
        authority = make("authority", ca=True)
        child, sister = make("child", issuer=authority), make("sister", issuer=authority)
        async with serving(tmp_path) as bench:
            bench.use(authority)
            bench.server.decide(decided(authorities=[authority], seq=2))
            first, second = await bench.connect(child), await bench.connect(sister)
            assert (await first.ask(), await second.ask()) == (GIVEN, GIVEN)
            bench.server.decide(decided(authorities=[authority], blocked=[child], seq=3))
            assert await first.ended() < CUT_S
            again = await bench.connect(child)
            assert await again.ask() == REFUSED
            assert await second.ask() == GIVEN
            bench.server.decide(decided(seq=4))
            assert await second.ended() < CUT_S

    run(story())


def test_an_authority_that_is_gone_counts_no_more_before_its_handshakes_know(tmp_path: Path) -> None:
    """Own keys are read and a new context is made after the decision; the one in use knows the authority still."""

    async def story() -> None:
        authority = make("authority", ca=True)
        async with serving(tmp_path) as bench:
            bench.use(authority)
            bench.server.decide(decided(authorities=[authority], seq=2))
            bench.server.decide(decided(seq=3))
            client = await bench.connect(make("child", issuer=authority))
            assert await client.ask() == REFUSED
            assert [(access.verdict.standing, access.peer.authority) for access in bench.server.waiting()] == [
                (Standing.PENDING, "")
            ]

    run(story())


def test_the_child_of_an_accepted_certificate_that_calls_itself_a_ca_is_a_stranger(tmp_path: Path) -> None:
    async def story() -> None:
        parent = make("parent", ca=True)
        async with serving(tmp_path, parent) as bench:
            child = await bench.connect(make("child", issuer=parent), parent)
            assert await child.ask() == REFUSED

    run(story())


def test_a_role_without_a_row_is_refused_and_told_while_its_connection_stays(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            bench.server.decide(decided(ONE, seq=2, roles=(RoleRights("Operator", (3,), ALL),)))
            client = await bench.connect(ONE)
            assert await client.ask() == REFUSED
            assert bench.told == ["it has no role"]
            assert bench.server.waiting() == []
            bench.server.decide(decided(ONE, seq=3))
            assert await client.ask() == GIVEN
            bench.server.decide(decided(ONE, seq=4, roles=(RoleRights("", (3,), ((0, 2),)),)))
            assert await client.ask() == REFUSED
            assert bench.told[1:] == ["function 3 on 1 to 2"]
            assert await client.ask(read(0, 2)) == answer(registers(0, 2))

    run(story())


def test_a_write_names_who_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE, external_control=True) as bench:
            client = await bench.connect(ONE)
            assert await client.ask(adu(bytes.fromhex("06A0D00003"))) == adu(bytes.fromhex("06A0D00003"))
            (args,) = bench.writes
            assert (args["meter"], args["start"], args["values"]) == ("house", 41168, [3])
            assert args["who"] == {
                "by": "modbus",
                "fingerprint": bench.seen_[0].peer.certificate.fingerprint,
                "label": "label 0",
                "address": "127.0.0.1",
                "role": "",
            }

    run(story())


@pytest.mark.parametrize("missing", ["keys", "decisions"])
def test_before_keys_and_decisions_are_known_everybody_is_refused(missing: str, tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)

        def give(what: str) -> None:
            if what == "keys":
                bench.use()
            else:
                bench.server.decide(decided(ONE))

        give("keys" if missing == "decisions" else "decisions")
        with capture_logs() as lines:
            await bench.server.start([bind("127.0.0.1", 0)])
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await bench.connect(ONE)
            assert [line["kind"] for line in lines if line["event"] == "connection refused"]
            give(missing)
            client = await bench.connect(ONE)
            assert await client.ask() == GIVEN
            await bench.stop()

    run(story())


def test_the_caps_count_before_the_handshake(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE, limits=Limits(max_connections=2, max_connections_per_address=1)) as bench:
            client = await bench.connect(ONE)
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await bench.connect(ONE)
            assert await client.ask() == GIVEN
            assert bench.server.counters().refused == 1

    run(story())


def test_who_says_nothing_is_sent_away_and_new_keys_end_no_connection(tmp_path: Path) -> None:
    async def story() -> None:
        limits = Limits(idle_timeout_s=0.3)
        async with serving(tmp_path, ONE, limits=limits) as bench:
            client = await bench.connect(ONE)
            before = bench.server._acceptor.context
            bench.use()
            assert bench.server._acceptor.context is not before
            assert await client.ask() == GIVEN
            assert await client.ended() < 2
            with socket.create_connection(("127.0.0.1", bench.server.port)) as silent:
                assert silent.fileno() > 0  # a silent connection holds up nobody
                another = await bench.connect(ONE)
                assert await another.ask() == GIVEN

    run(story())
