"""The core: bytes in, bytes out, in order, whatever the stream is cut into."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.modbus.replica import Replica
from shared.modbus.slave import BURST, Slave, State
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
    run,
)


def slave(*, burst: int = BURST) -> Slave:
    return Slave(replica(), burst=burst)


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


@given(st.lists(FRAMES, min_size=1, max_size=6), st.integers(1, 300))
def test_the_last_whole_frame_is_kept_however_it_came(frames: list[bytes], step: int) -> None:
    core, stream = slave(burst=2), b"".join(frames) + b"\0\1\0"
    assert core.last == b""
    run(core, [stream[at : at + step] for at in range(0, len(stream), step)])
    assert core.last == frames[-1]
