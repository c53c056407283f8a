"""Frames: what the specification says, for every layout, made once."""

import struct

from services.master_pusher.batch import Layout, requests
from services.master_pusher.groups import GROUPS
from shared.modbus.pdu import Write, parse
from tests.services.master_pusher.samples import batch, words


def test_a_request_is_legal_and_its_answer_is_that_of_a_slave() -> None:
    one = batch()
    for name, group in GROUPS.items():
        for request, piece in zip(one.requests(Layout(unit=9), name), group.pieces, strict=True):
            protocol, length, unit = struct.unpack(">HHB", request.frame[:5])
            assert (protocol, length, unit) == (0, len(request.frame) - 4, 9)
            assert parse(request.frame[5:]) == Write(16, piece.start, words(piece.start, piece.size))
            assert request.answer == b"\0\0\0\6\x09\x10" + struct.pack(">HH", piece.start, piece.size)
            assert (request.tag, request.address, request.size) == (name, piece.start, piece.size)


def test_slaves_of_one_layout_share_their_frames() -> None:
    one = batch()
    assert one.requests(Layout(), "energy_total") is one.requests(Layout(), "energy_total")
    assert one.requests(Layout(unit=2), "energy_total") != one.requests(Layout(), "energy_total")


def test_an_offset_moves_addresses_and_nothing_else() -> None:
    (plain,), (moved,) = (
        requests(GROUPS["energy_total"], words(512, 40), layout) for layout in (Layout(), Layout(base_offset=-500))
    )
    assert moved.address == 12
    assert moved.frame[10:] == plain.frame[10:]
    assert moved.frame[6:8] == b"\0\x0c"


def test_function_6_writes_each_register_and_is_echoed() -> None:
    made = requests(GROUPS["instantaneous_total"], words(0, 28), Layout(function=6))
    assert len(made) == 28
    assert made[27].frame == made[27].answer == b"\0\0\0\6\1\6\0\x1b\0\x1b"


def test_low_words_first() -> None:
    (made,) = requests(GROUPS["instantaneous_total"], words(0, 28), Layout(low_first=True))
    assert made.frame[11:19] == struct.pack(">4H", 1, 0, 3, 2)
    assert made.frame[11 + 16 : 11 + 20] == struct.pack(">2H", 8, 9), "a reserved register stays where it is"
