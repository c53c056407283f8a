"""The intake: who is read for gets his bytes, and what is not plain reading is handed back."""

import asyncio
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from shared.modbus import intake as intake_module
from shared.modbus.intake import READ_BYTES, Intake
from tests.support import until


class Peer:
    """A reader, and the other end of its socket."""

    def __init__(self, intake: Intake) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.far = socket.create_connection(listener.getsockname())
        self.near, _ = listener.accept()
        listener.close()
        self.near.setblocking(False)
        self.intake = intake
        self.got: list[bytes] = []
        self.ended = self.aborted = False
        intake.take(self.near.fileno(), self)

    def data_received(self, data: bytes) -> None:
        if data == b"defect":
            raise RuntimeError("a defect")
        self.got.append(data)

    def hand_back(self) -> None:
        self.ended = True
        self.leave()

    def abort(self) -> None:
        self.aborted = True
        self.leave()

    def leave(self) -> None:
        self.intake.leave(self.near.fileno())

    def close(self) -> None:
        self.near.close()
        self.far.close()


@pytest.fixture
def intake() -> Iterator[Intake]:
    intake = Intake()
    yield intake
    asyncio.run(closed(intake))


async def closed(intake: Intake) -> None:
    intake.close()
    intake.close()


@pytest.fixture
def peers(intake: Intake) -> Iterator[list[Peer]]:
    peers = [Peer(intake) for _ in range(3)]
    yield peers
    for peer in peers:
        peer.close()


def test_each_gets_what_came_for_it(intake: Intake, peers: list[Peer]) -> None:
    peers[0].far.sendall(b"one")
    peers[2].far.sendall(b"two")
    intake.turn()
    assert [peer.got for peer in peers] == [[b"one"], [], [b"two"]]
    intake.turn()
    assert [len(peer.got) for peer in peers] == [1, 0, 1]


def test_one_that_sends_much_gets_a_bounded_part_of_each_turn(intake: Intake, peers: list[Peer]) -> None:
    stream = bytes(range(256)) * 8
    peers[0].far.sendall(stream)
    peers[1].far.sendall(b"little")
    intake.turn()
    assert len(peers[0].got[0]) == READ_BYTES
    assert peers[1].got == [b"little"]
    while len(b"".join(peers[0].got)) < len(stream):
        intake.turn()
    assert b"".join(peers[0].got) == stream


def test_whom_a_turn_has_no_room_for_has_his_in_the_next(
    intake: Intake, peers: list[Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "AT_ONCE", 1)
    for peer in peers:
        peer.far.sendall(b"x" * 3 * READ_BYTES)
    for _ in range(9):
        intake.turn()
    assert [len(b"".join(peer.got)) for peer in peers] == [3 * READ_BYTES] * 3


def test_who_has_left_is_not_read(intake: Intake, peers: list[Peer]) -> None:
    peers[0].leave()
    peers[0].far.sendall(b"one")
    peers[1].far.sendall(b"two")
    intake.turn()
    assert (peers[0].got, peers[1].got) == ([], [b"two"])
    intake.take(peers[0].near.fileno(), peers[0])
    intake.turn()
    assert peers[0].got == [b"one"]


def test_the_end_and_a_reset_are_handed_back_after_what_came_before(intake: Intake, peers: list[Peer]) -> None:
    peers[0].far.sendall(b"last")
    peers[0].far.shutdown(socket.SHUT_WR)
    peers[1].far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peers[1].far.close()
    for _ in range(3):
        intake.turn()
    assert [peer.ended for peer in peers] == [True, True, False]
    assert peers[0].got == [b"last"]


def test_a_wake_up_without_bytes_is_nothing(intake: Intake, peers: list[Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_fd: int, _size: int) -> bytes:
        raise BlockingIOError

    peers[0].far.sendall(b"one")
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", nothing)
        intake.turn()
    assert not peers[0].ended
    intake.turn()
    assert peers[0].got == [b"one"]


def test_a_defect_ends_one_connection_and_is_told(intake: Intake, peers: list[Peer]) -> None:
    peers[0].far.sendall(b"defect")
    with pytest.raises(RuntimeError, match="a defect"):
        intake.turn()
    assert peers[0].aborted
    peers[1].far.sendall(b"two")
    intake.turn()
    assert peers[1].got == [b"two"]


def test_the_loop_calls_it_while_it_is_open() -> None:
    async def story() -> None:
        intake = Intake()
        intake.open()
        peer = Peer(intake)
        peer.far.sendall(b"one")
        await until(lambda: peer.got == [b"one"])
        peer.leave()
        intake.close()
        peer.close()

    asyncio.run(story())
