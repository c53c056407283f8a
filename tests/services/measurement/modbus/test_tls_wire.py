"""A meter behind TLS: not one byte before it is trusted, cut off as soon as it is not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from services.measurement.modbus.plan import Request
from services.measurement.modbus.profile import load
from services.measurement.modbus.source import ModbusSource
from services.measurement.modbus.tls_wire import TlsWire
from services.measurement.modbus.wire import ModbusExceptionError
from services.measurement.pace import BootClock
from shared.config.model import Modbus
from shared.errors import PeerError
from shared.tls.certificate import fingerprint
from tests.services.measurement.modbus.tls_meter import TlsMeter, tls_meter
from tests.shared.tls.manager import Manager
from tests.shared.tls.material import DAY, NOW, Made, make, run
from tests.support import free_port, until

if TYPE_CHECKING:
    from services.measurement.source import Link

METER = make("meter")
EVERY = load("ksem")
"""The meter holds a 7 in whatever register is asked for."""
IDENTITY = fingerprint(METER.der)
Story = Callable[[TlsMeter, Manager, TlsWire], Awaitable[None]]


def play(folder: Path, story: Story, made: Made = METER, host: str = "127.0.0.1", timeout_s: float = 5.0) -> None:
    async def whole() -> None:
        manager = Manager(folder)
        async with tls_meter(made.save(folder), manager.known) as meter, manager.running():
            wire = TlsWire(Modbus(host=host, port=meter.port, tls=True, timeout_s=timeout_s), manager.outward)
            await story(meter, manager, wire)
            wire.close()
            await until(lambda: meter.ended == meter.handshakes)

    with capture_logs():
        run(whole())


def test_an_accepted_meter_is_read(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say(METER)
        await wire.connect()
        assert await wire.read(Request(3, 10, 2)) == [7, 7]
        assert await wire.read(Request(4, 10, 125)) == [7] * 125
        assert [request[7:] for request in meter.requests] == [b"\3\0\n\0\2", b"\4\0\n\0\x7d"]
        assert manager.bus.enforced.connections == {IDENTITY: 1}
        (seen,) = manager.bus.seen
        assert (seen.fingerprint, seen.der, seen.direction) == (IDENTITY, METER.der, "out")
        assert (seen.address, seen.verdict, seen.protocol) == ("127.0.0.1", "ACCEPTED", "TLSv1.3")
        wire.close()
        await until(lambda: manager.bus.enforced.connections == {})

    play(tmp_path, story)


def test_an_unknown_meter_is_listed_told_and_gets_not_one_byte(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say()
        words = " ".join(IDENTITY[at : at + 4] for at in range(0, 16, 4))
        wanted = f"certificate {words} \\.\\.\\. is not accepted yet: metergate certs accept {IDENTITY}"
        with pytest.raises(PeerError, match=wanted):
            await wire.connect()
        await until(lambda: meter.ended == 1)
        assert (meter.handshakes, meter.requests, wire.connected) == (1, [], False)
        assert [(seen.fingerprint, seen.verdict) for seen in manager.bus.seen] == [(IDENTITY, "PENDING")]

    play(tmp_path, story)


def test_before_the_certificate_manager_has_spoken_nothing_is_opened(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        with pytest.raises(PeerError, match="nobody has said yet whom to trust"):
            await wire.connect()
        with pytest.raises(PeerError, match="no connection"):
            await wire.read(Request(3, 0, 1))
        assert meter.handshakes == 0
        assert (manager.bus.enforced.trust_gen, manager.bus.enforced.trust_seq) == (0, 0)

    play(tmp_path, story)


def test_delete_cuts_a_connection_at_once_also_while_an_answer_is_awaited(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say(METER)
        await wire.connect()
        meter.mute = True
        waiting = asyncio.ensure_future(wire.read(Request(3, 0, 1)))
        await until(lambda: meter.requests)
        manager.say()
        assert manager.bus.enforced.closed == {IDENTITY: 1}
        assert (manager.bus.enforced.trust_seq, manager.bus.enforced.connections) == (2, {})
        with pytest.raises(PeerError, match="not accepted yet"):
            await waiting
        assert not wire.connected
        await until(lambda: meter.ended == 1)

    play(tmp_path, story)


def test_a_request_after_the_cut_is_refused_and_cuts_nothing_twice(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say(METER)
        await wire.connect()
        manager.say()
        for _ in range(2):
            with pytest.raises(PeerError, match="not accepted yet"):
                await wire.read(Request(3, 0, 1))
        assert manager.bus.enforced.closed == {IDENTITY: 1}
        assert meter.requests == []

    play(tmp_path, story)


def test_the_calendar_is_looked_at_before_each_request(tmp_path: Path) -> None:
    short = make("short", end=NOW + DAY)

    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say(short)
        await wire.connect()
        assert await wire.read(Request(3, 0, 1)) == [7]
        manager.wall_s += 2 * DAY.total_seconds()
        with pytest.raises(PeerError, match="is refused: its validity has ended"):
            await wire.read(Request(3, 0, 1))
        assert (len(meter.requests), wire.connected) == (1, False)

    play(tmp_path, story, short)


def test_exceptions_and_nonsense_are_told(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say(METER)
        await wire.connect()
        meter.exception = 6
        with pytest.raises(ModbusExceptionError, match=r"exception 06 \(device busy\) to 1 registers from 9$") as busy:
            await wire.read(Request(3, 9, 1))
        assert not wire.bears(busy.value)
        meter.exception = 1
        own = manager.own.ec.certificate.fingerprint
        with pytest.raises(ModbusExceptionError, match=f"accepted this gateway's certificate {own[:4]}") as refused:
            await wire.read(Request(3, 9, 1))
        assert wire.bears(refused.value)
        for answer in (b"\3\4\0\7\0\7", b"\4\2\0\7", b"\3\2\0", b"\3"):
            meter.answer = lambda _, answer=answer: answer  # type: ignore[misc]
            with pytest.raises(PeerError, match="no answer to 1 registers from 9"):
                await wire.read(Request(3, 9, 1))

    play(tmp_path, story)


def test_a_silent_meter(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        manager.say(METER)
        await wire.connect()
        meter.mute = True
        with pytest.raises(PeerError, match=r"gave no answer within 0\.1 s"):
            await wire.read(Request(3, 0, 1))
        assert wire.connected

    play(tmp_path, story, timeout_s=0.1)


def test_nobody_there(tmp_path: Path) -> None:
    async def story() -> None:
        manager = Manager(tmp_path)
        async with manager.running():
            manager.say(METER)
            with pytest.raises(PeerError, match="connection refused"):
                await TlsWire(Modbus(host="127.0.0.1", port=free_port(), tls=True), manager.outward).connect()

    run(story())


def test_reading_begins_by_itself_after_accept_and_ends_with_delete(tmp_path: Path) -> None:
    async def story(meter: TlsMeter, manager: Manager, wire: TlsWire) -> None:
        links: list[Link] = []
        source = ModbusSource(wire, EVERY, 5, links.append, BootClock(), chance=lambda: 1.0)
        readings: list[object] = []

        async def collect() -> None:
            async for reading in source.readings():
                readings.append(reading)  # noqa: PERF401  # for ever

        manager.say()
        work = asyncio.ensure_future(collect())
        await until(lambda: meter.handshakes == 5)  # by now the pauses between attempts are longer than a second
        assert "is not accepted yet: metergate certs accept" in links[-1].reason
        loop = asyncio.get_running_loop()
        accepted = loop.time()
        manager.say(METER)
        await until(lambda: readings)
        assert loop.time() - accepted < 1
        assert meter.handshakes == 6
        manager.say()
        await until(lambda: not links[-1].connected)
        meter.exception = 1
        manager.say(METER)
        await until(lambda: "accepted this gateway" in links[-1].reason)
        asked, before = len(meter.requests), meter.handshakes
        await until(lambda: len(meter.requests) > asked + 10)
        assert meter.handshakes == before, "one connection while the meter has not accepted us"
        meter.exception = 0
        await until(lambda: links[-1].connected)
        assert meter.handshakes == before
        work.cancel()
        await asyncio.wait([work])

    play(tmp_path, story)
