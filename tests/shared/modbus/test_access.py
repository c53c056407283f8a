"""A plain peer writes nothing."""

import pytest

from shared.modbus.access import READ_ONLY
from shared.modbus.pdu import ExceptionCode, Write
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
    assert READ_ONLY.may_read
    assert READ_ONLY.write(Write(16, start, bytes(2 * count)), Face(image(), stale=False)) is code
