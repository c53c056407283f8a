"""The core: bytes in, bytes out, in order, whatever the stream is cut into."""

import struct
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.modbus.access import Later, Reach
from shared.modbus.pdu import ExceptionCode, Identify, Read, Write
from shared.modbus.replica import Replica
from shared.modbus.slave import BURST, Slave, State
from shared.modbus.view import Face
from tests.shared.modbus.samples import (
    DEADLINE,
    T0,
    adu,
    answer,
    exception,
    image,
    read,
    read_pdu,
    registers,
    replica,
)


def slave(*, burst: int = BURST) -> Slave:
    return Slave(replica(), burst=burst)


def run(core: Slave, pieces: Iterator[bytes] | list[bytes], now: int = T0) -> bytes:
    """Feed the pieces as a server does: work off each backlog, stop at the end."""
    out = b""
    for piece in pieces:
        if core.state is State.ENDED:
            break
        out += core.receive(piece, now)
        while core.state is State.BACKLOG:
            out += core.resume(now)
    return out


PDUS = st.one_of(
    st.builds(read_pdu, st.integers(0, 160), st.integers(0, 130), st.sampled_from((3, 4))),
    st.sampled_from((read_pdu(0, 10), read_pdu(40000, 28), read_pdu(200, 1))),
    st.binary(min_size=1, max_size=20),
    st.binary(min_size=253, max_size=253),
    st.just(bytes.fromhex("2B0E0100")),
)
FRAMES = st.builds(adu, PDUS, st.integers(0, 65535), st.integers(0, 255))
BROKEN = st.one_of(
    st.builds(adu, PDUS, st.integers(0, 65535), protocol=st.integers(1, 65535)),
    st.builds(adu, PDUS, length=st.sampled_from((0, 1, 255, 256, 65535))),
)
STREAMS = st.builds(
    lambda frames, end: b"".join(frames) + end,
    st.lists(FRAMES, max_size=20),
    st.one_of(st.just(b""), st.binary(max_size=8), BROKEN),
)


@given(STREAMS, st.lists(st.integers(0, 2000), max_size=12), st.integers(1, 5))
def test_however_the_stream_is_cut_the_answers_are_the_same(stream: bytes, cuts: list[int], burst: int) -> None:
    whole, single, split = slave(), slave(), slave(burst=burst)
    expected = run(whole, [stream])
    assert run(single, [stream[at : at + 1] for at in range(len(stream))]) == expected
    at = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    assert run(split, [stream[low:high] for low, high in pairwise(at)]) == expected
    for other in (single, split):
        assert (other.state, other.pending) == (whole.state, whole.pending)
        assert (other.requests, other.exceptions) == (whole.requests, whole.exceptions)
        assert other.framing_errors == whole.framing_errors


@given(st.lists(FRAMES, min_size=1, max_size=30))
def test_each_frame_gets_one_answer_with_its_transaction_and_unit(frames: list[bytes]) -> None:
    core = slave()
    out = run(core, [b"".join(frames)])
    for frame in frames:
        size = 6 + int.from_bytes(out[4:6], "big")
        reply, out = out[:size], out[size:]
        assert reply[:4] == frame[:2] + b"\0\0"
        assert reply[6] == frame[6]
        assert reply[7] & 0x7F == frame[7] & 0x7F
        assert size <= 260
    assert not out
    assert core.requests == len(frames)


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise_or_keep_more_than_a_frame(junk: bytes) -> None:
    core = slave()
    run(core, [junk])
    assert len(core.pending) < 260


@pytest.mark.parametrize("unit", [0, 1, 71, 255])
def test_a_read_is_answered_to_any_unit(unit: int) -> None:
    assert slave().receive(read(10, 3, 513, unit), T0) == answer(registers(10, 3), 513, unit)


def test_functions_3_and_4_read_the_same() -> None:
    assert slave().receive(read(10, 3, function=4), T0) == answer(registers(10, 3), function=4)


def test_the_example_of_the_specification() -> None:
    # application protocol 6.3: registers 108 to 110 hold 555, 0, 100; here they hold 107, 108, 109
    reply = slave().receive(bytes.fromhex("0001 0000 0006 11 03 006B 0003"), T0)
    assert reply == bytes.fromhex("0001 0000 0009 11 03 06 006B 006C 006D")


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("00", 1),
        ("00 0000 0001", 1),
        ("01 0000 0001", 1),
        ("02 0000 0001", 1),
        ("05 0000 FF00", 1),
        ("0F 0000 0001 01 01", 1),
        ("11", 1),
        ("16 0000 0000 0000", 1),
        ("17 0000 0001 0000 0001 02 0000", 1),
        ("17 0000", 1),
        ("63", 1),
        ("80", 1),
        ("83 0000 0001", 1),
        ("FF", 1),
        ("2B 0D 00", 1),
        ("03 0000 0000", 3),
        ("03 0000 007E", 3),
        ("04 0000", 3),
        ("03 0000 0001 00", 3),
        ("03 FFFF 0002", 2),
        ("03 00C8 0001", 2),
        ("03 008C 0001", 4),
        ("06 A0D0 0001", 1),
        ("06 0000 0001", 2),
        ("06 0000", 3),
        ("10 A0D0 0001 02 0001", 1),
        ("10 0000 0001 02 0001", 2),
        ("10 A0D0 0001 04 0001 0001", 3),
        ("10 A0D0 0000 00", 3),
        ("2B 0E 05 00", 3),
        ("2B 0E 04 77", 2),
    ],
)
def test_exceptions_leave_the_stream_in_step(pdu: str, code: int) -> None:
    core = slave()
    request = bytes.fromhex(pdu)
    reply = core.receive(adu(request, 7, 9) + read(0, 1, 8), T0)
    assert reply == exception(request[0], code, 7, 9) + answer(registers(0, 1), 8)
    assert (core.requests, core.exceptions, core.state) == (2, 1, State.OPEN)


def test_device_identification() -> None:
    reply = slave().receive(adu(bytes.fromhex("2B0E0100")), T0)
    assert reply == adu(bytes.fromhex("2B0E01810000 03 00 09") + b"metergate" + b"\1\2MG" + b"\2\3" + b"1.0")


def test_hundreds_of_frames_in_one_segment_are_answered_in_order_burst_by_burst() -> None:
    core = slave()
    out = [core.receive(b"".join(read(n % 90, 2, n) for n in range(500)), T0)]
    while core.state is State.BACKLOG:
        out.append(core.resume(T0))
    assert all(len(part) <= BURST * 13 for part in out)
    assert len(out) == -(-500 // BURST)
    assert b"".join(out) == b"".join(answer(registers(n % 90, 2), n) for n in range(500))
    assert core.requests == 500


def test_exactly_one_burst_is_no_backlog() -> None:
    core = slave(burst=2)
    assert core.receive(read(0, 1, 1) + read(0, 1, 2), T0) == answer(b"\0\0", 1) + answer(b"\0\0", 2)
    assert core.pending == b""
    core.receive(read(0, 1, 1) + read(0, 1, 2) + b"\0\3", T0)
    assert (core.state, core.pending, core.straight) == (State.OPEN, b"\0\3", False)


@pytest.mark.parametrize(
    "broken", [adu(b"\3", protocol=1), adu(b"\3", length=1), adu(b"\3", length=255), b"GET / HTTP"]
)
def test_what_came_before_a_broken_frame_is_answered_then_the_connection_ends(broken: bytes) -> None:
    core = slave()
    assert core.receive(read(0, 1) + broken, T0) == answer(b"\0\0")
    assert (core.state, core.framing_errors, core.pending, core.straight) == (State.ENDED, 1, b"", False)
    assert core.receive(read(0, 1), T0) == b""
    assert core.framing_errors == 1


def test_an_image_swap_shows_in_the_very_next_answer() -> None:
    core = slave()
    assert core.receive(read(0, 2), T0) == answer(registers(0, 2))
    blocks = (image().blocks[1],)
    core.replica.take(image(seq=2, blocks=blocks), T0)
    assert core.receive(read(0, 2), T0) == exception(3, 2)
    assert core.receive(read(100, 2), T0) == answer(registers(100, 2))


def test_a_known_answer_is_not_served_behind_the_deadline() -> None:
    core = slave()
    for _ in range(2):
        assert core.receive(read(0, 2), DEADLINE) == answer(registers(0, 2))
    assert core.receive(read(0, 2), DEADLINE + 1) == exception(3, 4)
    assert core.receive(read(512, 2), DEADLINE + 1) == answer(registers(512, 2))
    assert core.receive(read(40002, 1), DEADLINE + 1) == answer(b"\x80\0")


def test_a_backlog_that_outlives_the_deadline_turns_stale_as_well() -> None:
    core = slave(burst=1)
    assert core.receive(read(0, 1, 1) + read(0, 1, 2), DEADLINE) == answer(b"\0\0", 1)
    assert core.resume(DEADLINE + 1) == exception(3, 4, 2)


@pytest.mark.parametrize("pdu", [read_pdu(0, 1), read_pdu(9999, 1, 4), bytes.fromhex("2B0E0100"), b"\6\0\0\0\1"])
def test_without_an_image_legal_requests_fail(pdu: bytes) -> None:
    assert Slave(Replica({"house": 1})).receive(adu(pdu), T0) == exception(pdu[0], 4)


def test_without_an_image_illegal_requests_get_their_own_exception() -> None:
    core = Slave(Replica({"house": 1}))
    assert core.receive(adu(b"\1") + read(0, 126) + read(65535, 2), T0) == b"".join(
        exception(function, code) for function, code in ((1, 1), (3, 3), (3, 2))
    )


def test_with_several_meters_an_unknown_unit_has_no_target() -> None:
    core = Slave(replica(image(), image(meter="barn", unit=2, blocks=(image().blocks[1],))))
    out = core.receive(read(100, 1, 1, 1) + read(0, 1, 2, 2) + read(0, 1, 3, 3), T0)
    assert out == answer(registers(100, 1), 1, 1) + exception(3, 2, 2, 2) + exception(3, 11, 3, 3)


def test_reads_are_remembered_and_exceptions_are_not() -> None:
    core = slave()
    request = read(10, 3)
    core.receive(request + read(150, 1) + adu(bytes.fromhex("2B0E0100")), T0)
    assert core.replica.view.answers == {request[2:]: answer(registers(10, 3))[2:]}
    assert core.receive(request, T0) == answer(registers(10, 3))


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
    core = slave()
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
    core = slave(burst=1)
    assert core.receive(read(0, 1, 1) + read(0, 1, 2), T0) == answer(b"\0\0", 1)
    core.pause(on=True)
    assert core.resume(T0) == exception(3, 6, 2)


@given(st.lists(FRAMES, min_size=1, max_size=6), st.integers(1, 300))
def test_the_last_whole_frame_is_kept_however_it_came(frames: list[bytes], step: int) -> None:
    core, stream = slave(burst=2), b"".join(frames) + b"\0\1\0"
    assert core.last == b""
    run(core, [stream[at : at + step] for at in range(0, len(stream), step)])
    assert core.last == frames[-1]
    waiting = Slave(replica(), Writer(later=True))
    waiting.receive(read(0, 1) + adu(WRITE, 2) + read(1, 1), T0)
    assert waiting.last == adu(WRITE, 2)
