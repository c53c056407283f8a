"""The MBAP length is the only frame boundary; what cannot be a frame is known as soon as possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.modbus.frame import BROKEN, INCOMPLETE, MAX_FRAME, frame_size, wrap
from tests.shared.modbus.samples import adu


@given(st.binary(min_size=1, max_size=253), st.binary(max_size=300), st.binary(max_size=20))
def test_a_whole_frame_has_its_size_wherever_it_starts(pdu: bytes, behind: bytes, before: bytes) -> None:
    frame = adu(pdu)
    assert frame_size(before + frame + behind, len(before)) == len(frame) <= MAX_FRAME


@given(st.binary(min_size=1, max_size=253), st.data())
def test_a_cut_frame_is_incomplete_at_every_byte(pdu: bytes, data: st.DataObject) -> None:
    frame = adu(pdu)
    cut = data.draw(st.integers(0, len(frame) - 1))
    assert frame_size(frame[:cut], 0) == INCOMPLETE


@pytest.mark.parametrize("length", [0, 1, 255, 256, 260, 0xFFFF])
def test_a_length_outside_of_2_to_254_breaks_the_stream(length: int) -> None:
    assert frame_size(adu(bytes(300), length=length), 0) == BROKEN


@pytest.mark.parametrize("protocol", [1, 0x0100, 0xFFFF])
def test_a_wrong_protocol_id_breaks_the_stream(protocol: int) -> None:
    assert frame_size(adu(b"\x03\0\0\0\1", protocol=protocol), 0) == BROKEN


@pytest.mark.parametrize(
    "beginning",
    [b"\0\1\1", b"\0\1\0\1", b"GET", b"\x16\x03\x01", b"\0\1\0\0\1", b"\0\1\0\0\0\0", b"\0\1\0\0\0\xff"],
)
def test_the_first_wrong_byte_is_enough(beginning: bytes) -> None:
    assert frame_size(beginning, 0) == BROKEN
    assert frame_size(beginning[:2], 0) == INCOMPLETE


@given(st.integers(0, 65535), st.integers(0, 255), st.binary(min_size=1, max_size=253))
def test_wrapping_gives_the_frame_behind_the_transaction_id(transaction: int, unit: int, pdu: bytes) -> None:
    assert transaction.to_bytes(2, "big") + wrap(unit, pdu) == adu(pdu, transaction, unit)
