"""Which gaps are told, and what their ends say."""

import pytest

from services.measurement.gaps import Gaps, News

SECOND = 1_000_000_000
GIVEN = ("active_power", "active_energy_import", "active_energy_export")


class Meter:
    """Gives a sample a second, or an attempt that gives none; keeps what is told."""

    def __init__(self, *given: str) -> None:
        self._gaps = Gaps("house", 5000)
        self._given = given
        self.now = 1000 * SECOND
        self.told: list[News] = []

    def gives(self, seconds: int) -> None:
        """Samples for so long."""
        self._pass(seconds, lost=False)

    def is_lost(self, seconds: int) -> None:
        """None for so long."""
        self._pass(seconds, lost=True)

    def _pass(self, seconds: int, *, lost: bool) -> None:
        for _ in range(seconds):
            self.now += SECOND
            news = (
                self._gaps.miss("measurement.lost", "no readings: refused", self.now, reason="refused")
                if lost
                else self._gaps.hit(self.now, self._given)
            )
            self.told += [news] if news else []


def test_a_loss_and_its_end_are_told_once_and_the_first_sample_ever_is_not() -> None:
    meter = Meter(*GIVEN)
    meter.gives(3)
    meter.is_lost(21)
    meter.gives(3)
    assert meter.told == [
        News(
            "measurement.lost",
            "warning",
            "meter house: no readings: refused",
            {"meter": "house", "reason": "refused"},
        ),
        News(
            "measurement.back",
            "info",
            "meter house: samples come again after 22.0 s; its live registers were stale for 17.0 s",
            {"meter": "house", "away_s": 22.0, "stale_s": 17.0},
        ),
    ]


@pytest.mark.parametrize(
    ("given", "seconds", "lacks"),
    [(GIVEN, 21, False), (GIVEN[:2], 21, True), (GIVEN[:1], 21, True), (GIVEN[:1], 4, False), (GIVEN[:1], 5, True)],
)
def test_energy_that_is_counted_here_lacks_a_gap_in_which_values_grew_stale(
    given: tuple[str, ...], seconds: int, *, lacks: bool
) -> None:
    meter = Meter(*given)
    meter.gives(1)
    meter.is_lost(seconds)
    meter.gives(1)
    assert ("lacks this time" in meter.told[-1].text) is lacks


def test_one_that_was_never_there_is_told_and_nothing_is_said_of_what_nobody_here_knows() -> None:
    meter = Meter("active_power")
    meter.is_lost(30)
    meter.gives(1)
    assert [news.text for news in meter.told] == [
        "meter house: no readings: refused",
        "meter house: first sample after 30.0 s",
    ]


def test_short_gaps_are_told_at_the_1st_2nd_4th_8th_and_each_that_is_told_has_its_end() -> None:
    meter = Meter(*GIVEN)
    for _ in range(10):
        meter.gives(1)
        meter.is_lost(1)
    meter.gives(1)
    lost = [news.text for news in meter.told if news.kind == "measurement.lost"]
    assert lost == [
        "meter house: no readings: refused",
        *(f"meter house: no readings: refused ({times} times by now)" for times in (2, 4, 8)),
    ]
    assert [news.kind for news in meter.told] == ["measurement.lost", "measurement.back"] * 4


def test_a_gap_that_lasts_is_told_late_rather_than_never() -> None:
    meter = Meter(*GIVEN)
    for seconds in (1, 1, 130):
        meter.gives(1)
        meter.is_lost(seconds)
    meter.gives(1)
    assert [news.kind for news in meter.told] == ["measurement.lost", "measurement.back"] * 3
    assert "131.0 s" in meter.told[-1].text


def test_each_of_several_outages_is_told() -> None:
    meter = Meter(*GIVEN)
    for seconds in (10, 14, 22, 130, 40, 7, 9):
        meter.gives(14)
        meter.is_lost(seconds)
    meter.gives(1)
    assert [news.data["away_s"] for news in meter.told if news.kind == "measurement.back"] == [
        seconds + 1 for seconds in (10, 14, 22, 130, 40, 7, 9)
    ]


def test_a_source_that_flaps_for_ever_and_grows_stale_each_time_is_told_once_a_minute() -> None:
    meter = Meter(*GIVEN)
    for _ in range(600):
        meter.gives(1)
        meter.is_lost(9)
    assert 100 <= len([news for news in meter.told if news.kind == "measurement.lost"]) <= 100 + 10 + 10


def test_dropped_and_lost_in_one_gap_are_both_told_and_it_ends_once() -> None:
    gaps = Gaps("house", 5000)
    assert gaps.hit(1, GIVEN) is None
    told = [
        gaps.miss(kind, "x", SECOND + at)
        for at, kind in enumerate(("measurement.lost", "measurement.dropped", "measurement.lost"))
    ]
    assert [news and news.kind for news in told] == ["measurement.lost", "measurement.dropped", None]
    assert gaps.hit(2 * SECOND, GIVEN) is not None
    assert gaps.hit(3 * SECOND, GIVEN) is None
