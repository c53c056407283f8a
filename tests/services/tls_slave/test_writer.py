"""Writes on their way to the store."""

import asyncio
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from services.tls_slave.writer import StoreWriter, echo
from shared.errors import PeerError, RefusedError
from shared.modbus.access import Later
from shared.modbus.pdu import ExceptionCode, Write
from tests.shared.modbus.samples import T0, image, replica
from tests.support import until

SINGLE = Write(6, 41168, b"\0\3")
MULTIPLE = Write(16, 41170, b"\0\1\0\2\0\3")


class Store:
    """Answers as the test wants."""

    def __init__(self, reply: dict[str, Any] | Exception | None) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    async def call(
        self, instance: str, verb: str, args: dict[str, Any], timeout_s: float, begun_s: float
    ) -> dict[str, Any]:
        self.asked.append((instance, verb, args))
        assert timeout_s - begun_s >= 0.5, "what the store begins at the last moment can be confirmed"
        if isinstance(self.reply, Exception):
            raise self.reply
        if self.reply is None:
            await asyncio.Event().wait()
        return self.reply or {}


def write(store: Store, request: Write, shown_s: float = 5.0) -> tuple[Later, list[str]]:
    """What becomes of one write while nothing else happens, and what is logged."""

    async def story() -> Later:
        writer = StoreWriter(store.call, replica(), structlog.get_logger(), shown_s)
        later = writer.write("house", request, {"by": "modbus"}, lambda: True)
        await until(lambda: later.outcome is not None)
        return later

    with capture_logs() as lines:
        later = asyncio.run(story())
    return later, [line["event"] for line in lines]


@pytest.mark.parametrize(
    ("request_", "values", "pdu"),
    [(SINGLE, [3], "06A0D00003"), (MULTIPLE, [1, 2, 3], "10A0D20003")],
)
def test_a_write_that_is_done_is_echoed(request_: Write, values: list[int], pdu: str) -> None:
    store = Store({"gen": 1, "seq": 1})
    later, logged = write(store, request_)
    assert later.outcome == bytes.fromhex(pdu) == echo(request_)
    assert logged == []
    assert store.asked == [
        (
            "register-store",
            "write",
            {"meter": "house", "start": request_.start, "values": values, "who": {"by": "modbus"}},
        )
    ]


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6])
def test_the_store_says_which_exception(code: int) -> None:
    later, _ = write(Store({"exception": code, "reason": "so"}), SINGLE)
    assert later.outcome is ExceptionCode(code)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (RefusedError("busy"), "a write was not done"),
        (PeerError("away"), "a write is not confirmed"),
        ({"gen": "one"}, "a write is not confirmed"),
        ({"exception": 99}, "a write is not confirmed"),
        ({"gen": 1, "seq": 2}, "a write is not confirmed"),
    ],
)
def test_a_store_that_is_away_slow_or_senseless_is_busy(reply: dict[str, Any] | Exception, said: str) -> None:
    later, logged = write(Store(reply), SINGLE, shown_s=0.05)
    assert later.outcome is ExceptionCode.SERVER_DEVICE_BUSY
    assert logged == [said]


def test_the_answer_waits_until_the_own_replica_shows_the_write() -> None:
    async def story() -> None:
        held = replica()
        writer = StoreWriter(Store({"gen": 1, "seq": 3}).call, held, structlog.get_logger())
        later = writer.write("house", SINGLE, {}, lambda: True)
        for seq in (2, 3):
            for _ in range(5):
                await asyncio.sleep(0)
            assert later.outcome is None
            held.take(image(seq=seq), T0)
            writer.image_taken()
        await until(lambda: later.outcome is not None)
        assert later.outcome == echo(SINGLE)

    asyncio.run(story())


def test_at_the_end_what_is_not_decided_is_busy() -> None:
    async def story() -> None:
        writer = StoreWriter(Store(None).call, replica(), structlog.get_logger())
        later = writer.write("house", SINGLE, {}, lambda: True)
        await asyncio.sleep(0)
        writer.stop()
        await until(lambda: later.outcome is not None)
        assert later.outcome is ExceptionCode.SERVER_DEVICE_BUSY

    asyncio.run(story())


def test_what_has_not_been_sent_when_a_right_ends_is_given_up() -> None:
    async def story() -> None:
        store, rights = Store(None), {"one": True, "other": True}
        writer = StoreWriter(store.call, replica(), structlog.get_logger())
        laters = {name: writer.write("house", SINGLE, {}, lambda name=name: rights[name]) for name in rights}  # type: ignore[misc]
        await until(lambda: len(store.asked) == 2)
        rights["one"] = False
        writer.review()
        await until(lambda: laters["one"].outcome is not None)
        assert laters["one"].outcome is ExceptionCode.SERVER_DEVICE_BUSY
        assert laters["other"].outcome is None
        writer.stop()
        await until(lambda: laters["other"].outcome is not None)

    with capture_logs() as lines:
        asyncio.run(story())
    assert [line["event"] for line in lines] == ["a write is given up"]
