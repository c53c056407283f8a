"""Images on their way into a replica, and what is said of those that are refused."""

import structlog
from structlog.testing import capture_logs

from shared import clock
from shared.modbus.intake import Intake
from shared.modbus.replica import Replica
from tests.shared.modbus.samples import image


def test_what_is_served_is_told_and_refusals_are_logged_ever_more_rarely() -> None:
    held = Replica({"house": 1})
    now = clock.now_ns()
    with capture_logs() as lines:
        intake = Intake(held, structlog.get_logger())
        assert intake.take(image(seq=1, t_ns=now))
        assert not intake.take(image(seq=1, t_ns=now))  # older: what every subscriber sees now and then
        assert lines == []
        for seq in range(2, 7):
            assert not intake.take(image(seq=seq, t_ns=now + 3600 * 10**9))
    assert [(line["reason"], line["times"]) for line in lines] == [("dated in the future", n) for n in (1, 2, 4)]
    assert lines[0]["meter"] == "house"
