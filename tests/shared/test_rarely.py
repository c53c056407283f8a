from shared.rarely import QUIET_NS, Rarely


def test_ever_more_rarely_and_anew_after_a_while() -> None:
    rarely = Rarely()
    said = [rarely.times("a", now) for now in range(100)]
    assert [times for times in said if times] == [1, 2, 4, 8, 16, 32, 64]
    assert rarely.times("b", 100) == 1, "each kind by itself"
    assert rarely.times("a", 99 + QUIET_NS) == 1
    assert rarely.times("a", 99 + QUIET_NS) == 2
