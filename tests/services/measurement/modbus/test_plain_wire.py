import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import pytest
import uvloop
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException

from services.measurement.modbus.plain_wire import PlainWire
from services.measurement.modbus.plan import Request
from services.measurement.modbus.wire import ModbusExceptionError
from shared.config.model import Modbus
from shared.errors import PeerError
from tests.services.measurement.modbus.foreign_meter import ForeignMeter

Run = Callable[[Coroutine[Any, Any, None]], None]

on_each_loop = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
"""That of the tests, and that of the roles, whose transports are of other classes."""


def client_of(meter: ForeignMeter, timeout_s: float = 1.0) -> PlainWire:
    return PlainWire(Modbus(host="127.0.0.1", port=meter.port, timeout_s=timeout_s))


def test_functions_3_and_4() -> None:
    async def story(meter: ForeignMeter) -> None:
        client = client_of(meter)
        await client.connect()
        assert await client.read(Request(3, 10, 2)) == [7, 8]
        assert await client.read(Request(4, 11, 1)) == [8]
        assert meter.requests == [(3, 10, 2), (4, 11, 1)]
        client.close()
        assert not client.connected

    with ForeignMeter({10: 7, 11: 8}) as meter:
        asyncio.run(story(meter))


def test_exceptions_carry_code_and_words() -> None:
    async def story(meter: ForeignMeter) -> None:
        client = client_of(meter)
        await client.connect()
        meter.failing[10] = ExcCodes.DEVICE_BUSY
        with pytest.raises(ModbusExceptionError, match=r"06 \(device busy\) to 1 registers from 10") as error:
            await client.read(Request(3, 10, 1))
        assert error.value.code == 6
        client.close()

    with ForeignMeter({10: 7}) as meter:
        asyncio.run(story(meter))


def test_a_name_that_nobody_knows_is_said() -> None:
    async def story() -> None:
        with pytest.raises(PeerError, match="the name is not known"):
            await PlainWire(Modbus(host="no-such-meter.invalid", timeout_s=5)).connect()

    asyncio.run(story())


def test_without_a_connection_there_is_no_answer() -> None:
    async def story() -> None:
        with pytest.raises(PeerError, match="no connection"):
            await PlainWire(Modbus(host="127.0.0.1")).read(Request(3, 0, 1))

    asyncio.run(story())


def test_a_cancellation_that_came_with_the_answer_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(meter: ForeignMeter) -> None:
        client = client_of(meter)
        await client.connect()
        waiting = asyncio.Event()

        async def swallows(*_: object, **__: object) -> NoReturn:
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ModbusIOException("as if the answer had come just now") from None
            raise AssertionError

        monkeypatch.setattr(client._client, "read_holding_registers", swallows)
        task = asyncio.create_task(client.read(Request(3, 0, 1)))
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        client.close()

    with ForeignMeter({0: 0}) as meter:
        asyncio.run(story(meter))


def test_a_late_answer_without_transaction_id_is_taken_for_no_other_question() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late = True
        while len(question := await reader.read(12)) == 12:
            if late:
                await asyncio.sleep(0.3)
            late = False
            writer.write(bytes((0, 0, 0, 0, 0, 5, *question[6:8], 2, *question[8:10])))  # each register has its address
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()

    async def story() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            client = PlainWire(Modbus(host="127.0.0.1", port=server.sockets[0].getsockname()[1], timeout_s=0.2))
            await client.connect()
            with pytest.raises(PeerError, match="no answer within"):
                await client.read(Request(3, 10, 1))
            with pytest.raises(PeerError, match="without a transaction id"):
                await client.read(Request(3, 20, 1))
            assert not client.connected
            await ended.wait()

    asyncio.run(story())


@on_each_loop
@pytest.mark.parametrize(
    "pdu",
    [bytes((100, 4, 0, 0)), bytes((43, 14, 1)), bytes((0x83,)), bytes((3, 4, 0)), bytes((3,))],
    ids=["unknown function", "identity cut short", "exception without a code", "registers cut short", "function alone"],
)
def test_what_is_no_answer_is_the_meters_fault_and_is_said_once(run: Run, pdu: bytes) -> None:
    raised: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readexactly(12)
        writer.write(question[:4] + (1 + len(pdu)).to_bytes(2, "big") + question[6:7] + pdu)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            client = PlainWire(Modbus(host="127.0.0.1", port=server.sockets[0].getsockname()[1], timeout_s=0.2))
            with contextlib.closing(client):
                await client.connect()
                with pytest.raises(PeerError, match=r"127\.0\.0\.1:\d+ sent something that is no answer"):
                    await client.read(Request(3, 10, 2))
            await ended.wait()

    run(story())
    assert raised == []


@on_each_loop
def test_a_meter_that_floods_is_cut_off_and_holds_up_nobody(run: Run) -> None:
    sent = 0
    ended = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readexactly(12)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(65_536))
                sent += 65_536
                await writer.drain()
        writer.close()
        ended.set()

    async def story() -> None:
        async with await asyncio.start_server(flood, "127.0.0.1", 0) as server:
            client = PlainWire(Modbus(host="127.0.0.1", port=server.sockets[0].getsockname()[1], timeout_s=0.2))
            with contextlib.closing(client):
                await client.connect()
                with pytest.raises(PeerError, match=r"127\.0\.0\.1:\d+ sent more than it was asked for"):
                    await client.read(Request(3, 10, 1))
                assert not client.connected
                await ended.wait()
                assert sent < 20_000_000, "what the kernel takes, not what is read"
                with pytest.raises(PeerError):
                    await client.read(Request(3, 10, 1))

    run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize("size", [1, 125])
def test_many_answers_are_never_too_much(size: int) -> None:
    async def story(meter: ForeignMeter) -> None:
        client = client_of(meter)
        await client.connect()
        for _ in range(50):
            assert await client.read(Request(3, 0, size)) == [7] * size
        client.close()

    with ForeignMeter(dict.fromkeys(range(125), 7)) as meter:
        asyncio.run(story(meter))
