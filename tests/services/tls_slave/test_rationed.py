import structlog
from structlog.testing import capture_logs

from services.tls_slave.rationed import EVERY_NS, RationedLog


def test_one_line_a_minute_of_each_kind_with_what_was_left_out() -> None:
    now = [0]
    with capture_logs() as lines:
        log = RationedLog(structlog.get_logger(), lambda: now[0])
        for _ in range(5):
            log.tell("refused", "weak", peer="a")
        log.tell("refused", "rate", peer="b")
        now[0] = EVERY_NS
        log.tell("refused", "weak", peer="c")
    assert [(line["kind"], line["peer"], line["untold"]) for line in lines] == [
        ("weak", "a", 0),
        ("rate", "b", 0),
        ("weak", "c", 4),
    ]
