import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.measurement.modbus.registers import Order, Register, Type, registers_of, text_of, version_of

FORMATS: dict[Type, str] = {
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
    "acc32": "I",
}


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(["big", "little"]), st.binary(min_size=8, max_size=8))
def test_every_type_in_both_word_orders(kind: Type, order: Order, data: bytes) -> None:
    size = 2 * registers_of(kind)
    data = data[:size]
    words = [int.from_bytes(data[index : index + 2], "big") for index in range(0, size, 2)]
    ordered = words if order == "big" else words[::-1]
    memory = {(3, 100 + offset): word for offset, word in enumerate(ordered)}
    (expected,) = struct.unpack(f">{FORMATS[kind]}", data)
    found = Register(3, 100, kind, order).read(memory)
    assert found == expected or (found is None and expected != expected)  # noqa: PLR0124  # NaN is not measured


@pytest.mark.parametrize(
    ("kind", "marker", "words"), [("int16", -0x8000, [0x8000]), ("uint32", 0xFFFFFFFF, [0xFFFF, 0xFFFF])]
)
def test_a_marker_means_not_measured(kind: Type, marker: int, words: list[int]) -> None:
    memory = {(4, offset): word for offset, word in enumerate(words)}
    assert Register(4, 0, kind, "big", marker).read(memory) is None
    assert Register(4, 0, kind).read(memory) is not None


def test_a_register_that_was_not_read_is_an_error_not_a_zero() -> None:
    with pytest.raises(KeyError):
        Register(3, 7, "uint16").read({(4, 7): 1})


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"KOSTAL\0\0", "KOSTAL"),
        (b"KSEM    ", "KSEM"),
        (b"AB\0DIRT!", "AB"),
        (b"\0" * 8, ""),
        ("Zähler\0".encode(), "Zähler"),
        (b"\xffX\0\0", "\ufffdX"),
    ],
)
def test_texts(data: bytes, text: str) -> None:
    assert text_of([int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2)]) == text


def test_version() -> None:
    assert version_of([0x020D]) == "2.13"
