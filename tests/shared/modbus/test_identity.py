"""Device identification: categories, single objects, continuation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.modbus.identity import identify
from shared.modbus.pdu import MAX_PDU, ExceptionCode, Identify

DEVICE = {0: "KOSTAL", 1: "KSEM", 2: "2.6", 4: "Smart meter", 0x80: "serial"}


def objects(pdu: bytes) -> dict[int, str]:
    """Decode the list of an answer and check that it is exactly as long as it says."""
    found, at = {}, 7
    for _ in range(pdu[6]):
        number, size = pdu[at], pdu[at + 1]
        found[number] = pdu[at + 2 : at + 2 + size].decode()
        at += 2 + size
    assert at == len(pdu)
    return found


@pytest.mark.parametrize(("code", "expected"), [(1, [0, 1, 2]), (2, [0, 1, 2, 4]), (3, [0, 1, 2, 4, 128])])
def test_each_category_contains_the_ones_before(code: int, expected: list[int]) -> None:
    pdu = identify(DEVICE, Identify(code, 0))
    assert isinstance(pdu, bytes)
    assert pdu[:6] == bytes((0x2B, 0x0E, code, 0x83, 0, 0))
    assert objects(pdu) == {number: DEVICE[number] for number in expected}


@pytest.mark.parametrize(("start", "expected"), [(1, [1, 2]), (3, [0, 1, 2]), (4, [0, 1, 2])])
def test_a_list_starts_at_the_object_asked_for_or_at_the_beginning(start: int, expected: list[int]) -> None:
    pdu = identify(DEVICE, Identify(1, start))
    assert isinstance(pdu, bytes)
    assert list(objects(pdu)) == expected


def test_one_object_alone() -> None:
    assert identify(DEVICE, Identify(4, 1)) == bytes.fromhex("2B 0E 04 83 00 00 01 01 04") + b"KSEM"


def test_an_unknown_object_alone_is_an_illegal_address() -> None:
    assert identify(DEVICE, Identify(4, 3)) is ExceptionCode.ILLEGAL_DATA_ADDRESS


@pytest.mark.parametrize(
    ("device", "conformity"), [({}, 0x81), ({0: "a"}, 0x81), ({3: "a"}, 0x82), ({0x7F: "a"}, 0x82), ({0x80: "a"}, 0x83)]
)
def test_the_conformity_level_follows_the_objects(device: dict[int, str], conformity: int) -> None:
    pdu = identify(device, Identify(1, 0))
    assert isinstance(pdu, bytes)
    assert pdu[3] == conformity


@given(st.dictionaries(st.integers(0, 255), st.text(max_size=260), max_size=12))
def test_following_the_continuation_gives_every_object_once(device: dict[int, str]) -> None:
    found: dict[int, str] = {}
    start = 0
    while True:
        pdu = identify(device, Identify(3, start))
        assert isinstance(pdu, bytes)
        assert len(pdu) <= MAX_PDU
        part = objects(pdu)
        assert not found.keys() & part.keys()
        found |= part
        if pdu[4] == 0:
            break
        assert pdu[4] == 0xFF
        assert pdu[5] > start or start == 0
        start = pdu[5]
    assert found.keys() == device.keys()
    for number, text in found.items():
        assert device[number].startswith(text)
        assert len(text.encode()) == len(device[number].encode()) or len(text.encode()) > 240


def test_a_list_that_does_not_fit_says_where_to_go_on() -> None:
    device = {0: "a" * 200, 1: "b" * 200, 2: "c"}
    first, second = identify(device, Identify(1, 0)), identify(device, Identify(1, 1))
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert (first[4:6], objects(first)) == (b"\xff\1", {0: device[0]})
    assert (second[4:6], objects(second)) == (b"\0\0", {1: device[1], 2: "c"})
