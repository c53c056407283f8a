"""What one image answers, fresh and stale, register by register."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.messages import Block
from shared.modbus.pdu import ExceptionCode, Read
from shared.modbus.view import MAX_ANSWERS, Face, View
from tests.shared.modbus.samples import image, registers

ADDRESS = ExceptionCode.ILLEGAL_DATA_ADDRESS
FAILURE = ExceptionCode.SERVER_DEVICE_FAILURE
FRESH = Face(image(), stale=False)
STALE = Face(image(), stale=True)


@pytest.mark.parametrize(
    ("start", "count"),
    [(0, 1), (0, 100), (99, 2), (60, 80), (144, 6), (149, 1), (512, 125), (667, 125), (40000, 125), (65535, 1)],
)
def test_a_read_inside_a_block_or_across_touching_blocks_gives_its_registers(start: int, count: int) -> None:
    assert FRESH.read(Read(3, start, count)) == registers(start, count)


@pytest.mark.parametrize(
    ("start", "count"), [(149, 2), (150, 1), (511, 1), (511, 2), (792, 1), (791, 2), (39999, 1), (40179, 1), (65499, 1)]
)
def test_a_read_that_leaves_the_blocks_is_an_illegal_address(start: int, count: int) -> None:
    assert FRESH.read(Read(3, start, count)) is ADDRESS
    assert STALE.read(Read(3, start, count)) is ADDRESS


@pytest.mark.parametrize(("start", "count"), [(140, 1), (143, 1), (139, 2), (100, 50), (143, 7)])
def test_what_was_never_known_fails(start: int, count: int) -> None:
    assert FRESH.read(Read(3, start, count)) is FAILURE
    assert STALE.read(Read(3, start, count)) is FAILURE


@pytest.mark.parametrize(("start", "count"), [(0, 1), (89, 1), (89, 2), (0, 100), (80, 40)])
def test_stale_live_registers_fail(start: int, count: int) -> None:
    assert STALE.read(Read(3, start, count)) is FAILURE


def test_what_does_not_age_is_still_served_when_stale() -> None:
    assert STALE.read(Read(3, 90, 50)) == registers(90, 50)
    assert STALE.read(Read(3, 512, 125)) == registers(512, 125)


def test_a_block_with_stale_bytes_serves_these() -> None:
    assert STALE.read(Read(3, 40070, 3)) == b"\x80\0" * 3


def test_without_an_image_every_read_fails() -> None:
    face = Face(None, stale=True)
    assert face.device is None
    assert face.read(Read(3, 0, 1)) is FAILURE
    assert face.read(Read(3, 40000, 1)) is FAILURE
    assert not face.writable(41168, 41169)


@given(st.integers(0, 65535), st.integers(1, 125), st.booleans())
def test_a_read_is_decided_as_its_single_registers_are(start: int, count: int, stale: bool) -> None:
    count = min(count, 65536 - start)
    face = STALE if stale else FRESH
    singles = [face.read(Read(3, at, 1)) for at in range(start, start + count)]
    whole = face.read(Read(3, start, count))
    if ADDRESS in singles:
        assert whole is ADDRESS
    elif FAILURE in singles:
        assert whole is FAILURE
    else:
        assert whole == b"".join(single for single in singles if isinstance(single, bytes))


@pytest.mark.parametrize(
    ("start", "end", "writable"),
    [
        (41168, 41169, True),
        (41170, 41173, True),
        (41172, 41173, True),
        (41168, 41171, False),
        (41169, 41170, False),
        (41172, 41174, False),
        (0, 1, False),
        (9999, 10000, False),
    ],
)
def test_writable_means_all_of_it(start: int, end: int, writable: bool) -> None:
    assert FRESH.writable(start, end) is writable


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ((Block(0, b"\0\0\0\0"), Block(1, b"\0\0")), "block 1: overlaps"),
        ((Block(5, b"\0\0"), Block(1, b"\0\0")), "block 1: overlaps"),
        ((Block(0, b"\0\0\0"),), "block 0: .*not whole registers"),
        ((Block(0, b""),), "block 0: .*not whole registers"),
        ((Block(-1, b"\0\0"),), "block -1"),
        ((Block(7, b"\0\0", stale=b"\0\0\0\0"),), "block 7: 4 stale bytes for 2 bytes"),
        ((Block(65535, b"\0\0\0\0"),), "block 65535: ends behind"),
    ],
)
def test_blocks_that_are_no_register_map_are_refused(blocks: tuple[Block, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Face(image(blocks=blocks), stale=False)


def test_areas_that_touch_or_overlap_count_as_one() -> None:
    blocks = (Block(0, registers(0, 20), writable=((4, 8), (0, 4), (6, 10), (7, 9))),)
    face = Face(image(blocks=blocks), stale=False)
    assert face.writable(0, 10)
    assert not face.writable(0, 11)


def test_the_unit_id_selects_a_face_or_the_default() -> None:
    assert View({1: FRESH}, None, 0).face(1) is FRESH
    assert View({1: FRESH}, None, 0).face(2) is None
    assert View({}, STALE, 0).face(2) is STALE


def test_remembered_answers_are_bounded() -> None:
    view = View({}, FRESH, 0)
    for number in range(MAX_ANSWERS + 100):
        view.remember(number.to_bytes(10, "big"), b"answer")
    assert len(view.answers) == MAX_ANSWERS


def test_no_blocks_is_a_map_too() -> None:
    assert Face(image(blocks=()), stale=False).read(Read(3, 0, 1)) is ADDRESS
