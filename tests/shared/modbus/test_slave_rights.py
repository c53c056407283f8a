"""The core where a peer has rights of its own: what it may read, its writes in order, and its pauses."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from shared.modbus.access import Later, Reach
from shared.modbus.pdu import ExceptionCode, Identify, Read, Write
from shared.modbus.slave import Slave, State
from shared.modbus.view import Face
from tests.shared.modbus.samples import (
    T0,
    adu,
    answer,
    exception,
    read,
    replica,
    run,
)


class Writer:
    """A peer with other rights, as a slave for TLS makes them."""

    def __init__(self, reach: Reach = Reach.ALL, *, later: bool = False) -> None:
        self.reach = reach
        self.written: list[Write] = []
        self.laters: list[Later] = []
        self._later = later

    def allows(self, request: Read | Identify) -> bool:
        return isinstance(request, Read) and request.start < 10

    def write(self, request: Write, face: Face) -> bytes | ExceptionCode | Later:
        assert face.writable(request.start, request.end)
        self.written.append(request)
        if self._later:
            self.laters.append(Later())
            return self.laters[-1]
        return echo(request)


def echo(request: Write) -> bytes:
    return struct.pack(">BH", request.function, request.start) + request.data


WRITE = bytes.fromhex("06A0D00003")


def test_a_peer_that_may_write_gets_its_answer_in_order() -> None:
    writer = Writer()
    core = Slave(replica(), writer)
    out = core.receive(read(0, 1, 1) + adu(WRITE, 2) + read(0, 1, 3), T0)
    assert out == answer(b"\0\0", 1) + adu(WRITE, 2) + answer(b"\0\0", 3)
    assert writer.written == [Write(6, 41168, b"\0\3")]


def test_a_peer_that_may_not_read_gets_exception_01_for_everything_also_what_is_known() -> None:
    held = replica()
    Slave(held).receive(read(0, 1), T0)
    core = Slave(held, Writer(Reach.NOTHING))
    assert not core.straight
    out = core.receive(read(0, 1) + read(0, 200) + adu(b"\x63") + adu(WRITE), T0)
    assert out == exception(3, 1) + exception(3, 1) + exception(0x63, 1) + exception(6, 1)
    assert (core.requests, core.exceptions, core.straight) == (4, 4, False)


def test_a_peer_with_narrow_rights_is_asked_about_every_read_also_what_is_known() -> None:
    held = replica()
    Slave(held).receive(read(0, 1) + read(20, 1), T0)
    writer = Writer(Reach.SOME)
    core = Slave(held, writer)
    assert not core.straight
    out = core.receive(read(0, 1) + read(20, 1) + read(0, 126) + adu(bytes.fromhex("2B0E0100")) + adu(WRITE), T0)
    assert out == answer(b"\0\0") + exception(3, 1) + exception(3, 3) + exception(0x2B, 1) + adu(WRITE)
    assert not core.straight


def test_rights_that_change_count_from_the_next_request_on() -> None:
    writer = Writer(Reach.NOTHING)
    core = Slave(replica(), writer)
    assert core.receive(read(0, 1), T0) == exception(3, 1)
    writer.reach = Reach.ALL
    assert core.receive(read(0, 1), T0) == answer(b"\0\0")
    assert core.straight
    writer.reach = Reach.NOTHING
    assert core.receive(read(0, 1), T0) == exception(3, 1)
    assert not core.straight


def test_a_write_that_is_decided_later_holds_all_that_comes_behind_it() -> None:
    writer = Writer(later=True)
    core = Slave(replica(), writer)
    assert core.receive(read(0, 1, 1) + adu(WRITE, 2, 9) + read(1, 1, 3), T0) == answer(b"\0\0", 1)
    assert (core.state, core.pending, core.straight, core.requests) == (State.WAITING, read(1, 1, 3), False, 1)
    assert core.resume(T0) == b""
    assert core.receive(adu(WRITE, 4)[:5], T0) == b""
    assert core.receive(adu(WRITE, 4)[5:], T0) == b""
    writer.laters[0].settle(WRITE)
    assert core.resume(T0) == adu(WRITE, 2, 9) + answer(b"\0\1", 3)
    assert (core.state, core.requests) == (State.WAITING, 3)
    writer.laters[1].settle(ExceptionCode.SERVER_DEVICE_BUSY)
    assert core.resume(T0) == exception(6, 6, 4)
    assert (core.state, core.pending, core.straight) == (State.OPEN, b"", True)
    assert (core.requests, core.exceptions) == (4, 1)


def test_rights_that_change_during_a_write_count_for_what_waits_behind_it() -> None:
    writer = Writer(later=True)
    core = Slave(replica(), writer)
    core.receive(adu(WRITE, 1) + read(1, 1, 2), T0)
    writer.reach = Reach.NOTHING
    writer.laters[0].settle(WRITE)
    assert core.resume(T0) == adu(WRITE, 1) + exception(3, 1, 2)


def test_behind_a_write_comes_nonsense() -> None:
    writer = Writer(later=True)
    core = Slave(replica(), writer)
    assert core.receive(adu(WRITE) + b"GET / HTTP", T0) == b""
    writer.laters[0].settle(WRITE)
    assert core.resume(T0) == adu(WRITE)
    assert (core.state, core.framing_errors) == (State.ENDED, 1)


@given(st.lists(st.sampled_from((read(0, 1), adu(WRITE), adu(b"\x63"))), max_size=12), st.integers(1, 40))
def test_however_long_each_write_takes_the_answers_are_the_same(frames: list[bytes], step: int) -> None:
    stream = b"".join(frames)
    expected = run(Slave(replica(), Writer()), [stream])
    writer = Writer(later=True)
    core = Slave(replica(), writer, burst=2)
    out = b""
    for at in range(0, len(stream), step):
        out += core.receive(stream[at : at + step], T0)
        while core.state in (State.BACKLOG, State.WAITING):
            if core.later is not None:
                core.later.settle(echo(writer.written[-1]))
            out += core.resume(T0)
    assert out == expected


def test_while_paused_all_that_a_peer_may_ask_is_busy_and_the_stream_stays_in_step() -> None:
    core = Slave(replica())
    core.receive(read(0, 1), T0)
    core.pause(on=True)
    assert not core.straight
    out = core.receive(read(0, 1, 1) + adu(b"\x63", 2) + read(0, 126, 3) + adu(bytes.fromhex("2B0E0100"), 4), T0)
    assert out == exception(3, 6, 1) + exception(0x63, 6, 2) + exception(3, 6, 3) + exception(0x2B, 6, 4)
    assert (core.requests, core.exceptions, core.straight) == (5, 4, False)
    core.pause(on=False)
    assert core.receive(read(0, 1), T0) == answer(b"\0\0")
    assert core.straight


def test_a_pause_gives_no_rights_and_undoes_no_write() -> None:
    writer = Writer(later=True)
    core = Slave(replica(), writer)
    core.receive(adu(WRITE, 1) + adu(WRITE, 2), T0)
    core.pause(on=True)
    writer.laters[0].settle(WRITE)
    assert core.resume(T0) == adu(WRITE, 1) + exception(6, 6, 2)
    assert len(writer.written) == 1
    writer.reach = Reach.NOTHING
    assert core.receive(read(0, 1), T0) == exception(3, 1)


def test_a_pause_counts_from_the_next_answer_of_a_backlog_on() -> None:
    core = Slave(replica(), burst=1)
    assert core.receive(read(0, 1, 1) + read(0, 1, 2), T0) == answer(b"\0\0", 1)
    core.pause(on=True)
    assert core.resume(T0) == exception(3, 6, 2)


def test_the_last_frame_is_kept_also_where_it_waits() -> None:
    waiting = Slave(replica(), Writer(later=True))
    waiting.receive(read(0, 1) + adu(WRITE, 2) + read(1, 1), T0)
    assert waiting.last == adu(WRITE, 2)
