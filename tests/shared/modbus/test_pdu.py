"""What a PDU means, with the examples of the Modbus application protocol and every way of being wrong."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.modbus.pdu import ExceptionCode, Identify, Read, Request, Write, parse, refuse

FUNCTION = ExceptionCode.ILLEGAL_FUNCTION
ADDRESS = ExceptionCode.ILLEGAL_DATA_ADDRESS
VALUE = ExceptionCode.ILLEGAL_DATA_VALUE


@pytest.mark.parametrize(
    ("pdu", "request_"),
    [
        ("03 006B 0003", Read(3, 107, 3)),
        ("04 0008 0001", Read(4, 8, 1)),
        ("06 0001 0003", Write(6, 1, b"\0\3")),
        ("10 0001 0002 04 000A 0102", Write(16, 1, b"\0\x0a\1\2")),
        ("2B 0E 01 00", Identify(1, 0)),
        ("2B 0E 04 80", Identify(4, 128)),
        ("03 FFFF 0001", Read(3, 65535, 1)),
        ("03 FF83 007D", Read(3, 65411, 125)),
        ("06 FFFF FFFF", Write(6, 65535, b"\xff\xff")),
    ],
)
def test_legal_requests(pdu: str, request_: Request) -> None:
    assert parse(bytes.fromhex(pdu)) == request_


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("03", VALUE),
        ("03 0000", VALUE),
        ("03 0000 00", VALUE),
        ("03 0000 0000", VALUE),
        ("03 0000 007E", VALUE),
        ("04 0000 FFFF", VALUE),
        ("03 0000 0001 00", VALUE),
        ("03 FFFF 007E", VALUE),  # the count is looked at before the address
        ("03 FFFF 0002", ADDRESS),
        ("04 FF84 007D", ADDRESS),
        ("06", VALUE),
        ("06 0000 00", VALUE),
        ("06 0000 0000 00", VALUE),
        ("10", VALUE),
        ("10 0000 0001", VALUE),
        ("10 0000 0001 02", VALUE),
        ("10 0000 0001 02 00", VALUE),
        ("10 0000 0001 02 0000 00", VALUE),
        ("10 0000 0000 00", VALUE),
        ("10 0000 0001 03 000000", VALUE),
        ("10 0000 0002 02 0000", VALUE),
        ("10 0000 007C F8" + "00" * 246, VALUE),
        ("10 FFFF 0002 04 00000000", ADDRESS),
        ("2B", VALUE),
        ("2B 0D 00 00", FUNCTION),
        ("2B 0D", FUNCTION),
        ("2B 0E", VALUE),
        ("2B 0E 01", VALUE),
        ("2B 0E 01 00 00", VALUE),
        ("2B 0E 00 00", VALUE),
        ("2B 0E 05 00", VALUE),
    ],
)
def test_wrong_requests(pdu: str, code: ExceptionCode) -> None:
    assert parse(bytes.fromhex(pdu)) is code


@given(st.sampled_from(sorted(set(range(256)) - {3, 4, 6, 16, 43})), st.binary(max_size=252))
def test_every_other_function_is_illegal_whatever_follows(function: int, rest: bytes) -> None:
    assert parse(bytes((function,)) + rest) is FUNCTION


@given(st.binary(min_size=1, max_size=253))
def test_no_pdu_makes_it_raise_and_a_legal_one_stays_inside_the_addresses(pdu: bytes) -> None:
    match parse(pdu):
        case Read(start=start, count=count):
            assert 1 <= count <= 125
            assert start + count <= 65536
        case Write() as write:
            assert len(write.data) % 2 == 0
            assert write.start < write.end <= 65536


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_reads_are_legal_exactly_when_count_and_end_fit(start: int, count: int) -> None:
    request = parse(struct.pack(">BHH", 3, start, count))
    if not 1 <= count <= 125:
        assert request is VALUE
    elif start + count > 65536:
        assert request is ADDRESS
    else:
        assert request == Read(3, start, count)


def test_the_largest_write_fits() -> None:
    request = parse(struct.pack(">BHHB", 16, 0, 123, 246) + bytes(246))
    assert isinstance(request, Write)
    assert request.end == 123


@pytest.mark.parametrize(("function", "answered"), [(3, 0x83), (0, 0x80), (0x80, 0x80), (0xFF, 0xFF), (99, 0xE3)])
def test_an_exception_answers_with_the_top_bit_set(function: int, answered: int) -> None:
    assert refuse(function, FUNCTION) == bytes((answered, 1))
