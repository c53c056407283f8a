"""What the TLS slave tells: bounded, whatever peers do."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import structlog
from structlog.testing import capture_logs

from services.tls_slave.access import PeerAccess
from services.tls_slave.report import FOUND_NS, REFUSAL_BURST, Reporter
from shared.actor import Life
from shared.audit.check import load, verify
from shared.bus.messages import Event, Seen
from shared.config.model import Config, Gateway
from shared.tls.decisions import Decisions
from tests.services.tls_slave.test_access import ONE, Gate, of
from tests.shared.tls.manager import HeardBus
from tests.shared.tls.trusted import decided

if TYPE_CHECKING:
    from services.tls_slave.server import TlsServer
    from shared.bus.bus import Bus

SECOND = 1_000_000_000


class Connected:
    """A server as `every_second` asks it; with nobody, whoever came has gone again."""

    def __init__(self, *quarantined: PeerAccess) -> None:
        self.decisions = decided()
        self.closed = Counter[str]()
        self._quarantined = quarantined

    def waiting(self) -> tuple[PeerAccess, ...]:
        return self._quarantined

    def open_by_fingerprint(self) -> Counter[str]:
        return Counter()


class Told:
    """A reporter, its clock, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.now = 5 * SECOND
        self.bus = HeardBus()
        self._folder = folder
        life = Life(
            instance="tls-slave",
            config=Config(gateway=Gateway(state_dir=folder)),
            bus=cast("Bus", self.bus),
            log=structlog.get_logger(),
        )
        self.reporter = Reporter(life, lambda: self.now)

    def seconds(self, count: int, *quarantined: PeerAccess) -> None:
        """They pass, and nobody else is connected."""
        for _ in range(count):
            self.now += SECOND
            self.reporter.every_second(cast("TlsServer", Connected(*quarantined)))

    def seen(self) -> int:
        """How often it said that it saw somebody."""
        return sum(isinstance(each, Seen) for each in self.bus.heard)

    def audited(self) -> list[str]:
        """What stands in the log, in order."""
        self.reporter.close()
        records, broken = verify(load(self._folder, "tls-slave"))
        assert broken is None
        return [f"{record.target}: {record.result}" for record in records]


def test_a_peer_that_asks_for_each_register_by_itself_fills_no_log(tmp_path: Path) -> None:
    told = Told(tmp_path)
    access = of(Gate(decided()))
    with capture_logs() as logged:
        for register in range(3000):
            told.reporter.refused(access, f"function 3 on {register}")
        told.now += SECOND
        told.reporter.refused(access, "function 6 on 1")
        told.reporter.refused(access, "function 6 on 2")
    burst = int(REFUSAL_BURST)
    assert len(logged) == len([each for each in told.bus.heard if isinstance(each, Event)]) == burst + 1
    audited = told.audited()
    assert len(audited) == burst + 1
    assert audited[0] == "function 3 on 0: exception 01"
    assert audited[-1] == f"function 6 on 1: exception 01; {3000 - burst} more untold"


def test_the_same_refusal_is_told_once_a_minute(tmp_path: Path) -> None:
    told = Told(tmp_path)
    access = of(Gate(decided()))
    with capture_logs():
        for _ in range(3):
            told.reporter.refused(access, "function 3 on 0")
        told.now += 60 * SECOND
        told.reporter.refused(access, "function 3 on 0")
        asyncio.run(told.reporter.sync())
    assert told.audited() == ["function 3 on 0: exception 01"] * 2


def test_a_refusal_stands_where_it_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, capture_logs() as logged:
        patch.setattr("shared.audit.log.AuditLog.append", full)
        told.reporter.refused(of(Gate(decided())), "function 3 on 0")
    assert [each["event"] for each in logged] == ["the audit log cannot be written", "refused by role"]
    assert told.audited() == []


def test_whom_it_saw_before_it_can_have_been_found_it_mentions_again_after_that(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.now += FOUND_NS // 10
    told.reporter.seen(of(Gate(decided())))
    assert told.seen() == 1
    told.seconds(FOUND_NS // SECOND)
    again = told.seen()
    assert again > 1
    told.seconds(5)
    assert told.seen() == again
    told.reporter.close()


def test_who_waited_and_has_gone_is_not_mentioned_once_more(tmp_path: Path) -> None:
    """The owner may have taken him off the list meanwhile."""
    told = Told(tmp_path)
    told.seconds(round(FOUND_NS / SECOND) + 1)
    access = of(Gate(), ONE)
    told.reporter.seen(access)
    told.reporter.seen(access)  # on another connection, at once
    told.seconds(2, access)
    told.now -= SECOND // 10  # the next turn comes a little early
    told.seconds(1, access)
    said = told.seen()
    told.seconds(5)
    assert (said, told.seen()) == (3, 3)


@pytest.mark.parametrize(("since_start_ns", "decisions"), [(FOUND_NS, decided()), (0, decided(ONE))])
def test_whom_it_sees_later_or_who_is_accepted_it_mentions_once(
    tmp_path: Path, since_start_ns: int, decisions: Decisions
) -> None:
    told = Told(tmp_path)
    told.now += since_start_ns
    told.reporter.seen(of(Gate(decisions)))
    told.seconds(5)
    assert told.seen() == 1
    told.reporter.close()
