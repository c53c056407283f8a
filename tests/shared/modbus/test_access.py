"""A plain peer writes nothing."""

import pytest

from shared.modbus.access import READ_ONLY, Later, Reach
from shared.modbus.pdu import ExceptionCode, Read, Write
from shared.modbus.view import Face
from tests.shared.modbus.samples import image


@pytest.mark.parametrize(
    ("start", "count", "code"),
    [
        (41168, 1, ExceptionCode.ILLEGAL_FUNCTION),
        (41170, 3, ExceptionCode.ILLEGAL_FUNCTION),
        (41168, 3, ExceptionCode.ILLEGAL_DATA_ADDRESS),
        (0, 1, ExceptionCode.ILLEGAL_DATA_ADDRESS),
        (300, 1, ExceptionCode.ILLEGAL_DATA_ADDRESS),
    ],
)
def test_writes_are_refused_by_what_another_peer_could_do(start: int, count: int, code: ExceptionCode) -> None:
    assert READ_ONLY.reach is Reach.ALL
    assert READ_ONLY.write(Write(16, start, bytes(2 * count)), Face(image(), stale=False)) is code


def test_a_plain_peer_may_read_anything() -> None:
    assert READ_ONLY.allows(Read(3, 0, 1))


def test_an_outcome_is_told_once_to_who_asked_last() -> None:
    told: list[str] = []
    later = Later()
    later.then(lambda: told.append("first"))
    later.then(lambda: told.append("second"))
    later.settle(b"\6")
    later.settle(ExceptionCode.SERVER_DEVICE_BUSY)
    assert (later.outcome, told) == (b"\6", ["second"])
    later.then(lambda: told.append("late"))
    assert told == ["second", "late"]
