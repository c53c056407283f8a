from hypothesis import given
from hypothesis import strategies as st

from services.certificate_manager.ledger import Count, Ledger, cut_since, is_tls, must_acknowledge
from shared.bus.messages import Enforced

NAME = "ab" * 32


def enforced(
    src: str = "tls-slave", gen: int = 1, seq: int = 1, trust: tuple[int, int] = (5, 1), **counts: int
) -> Enforced:
    return Enforced(
        src=src, gen=gen, seq=seq, t_ns=1, trust_gen=trust[0], trust_seq=trust[1],
        closed={NAME: counts.get("closed", 0)}, connections={NAME: counts.get("connections", 0)},
    )  # fmt: skip


def test_an_instance_acts_by_a_trust_or_a_newer_one() -> None:
    ledger = Ledger()
    assert not ledger.acted("tls-slave", (0, 0)), "nobody was heard"
    ledger.note(enforced(trust=(5, 7)))
    assert ledger.acted("tls-slave", (5, 7))
    assert ledger.acted("tls-slave", (4, 900))
    assert not ledger.acted("tls-slave", (5, 8))
    assert not ledger.acted("tls-slave", (6, 1))
    ledger.forget("tls-slave")
    assert not ledger.acted("tls-slave", (5, 7))


def test_words_that_come_late_do_not_count() -> None:
    ledger = Ledger()
    ledger.note(enforced(gen=2, seq=3, connections=4))
    ledger.note(enforced(gen=2, seq=2, connections=9))
    ledger.note(enforced(gen=1, seq=99, connections=9))
    assert ledger.connections(NAME) == 4
    ledger.note(enforced("measurement", connections=2))
    assert ledger.connections(NAME) == 6
    assert ledger.counts(NAME) == {"tls-slave": Count(2, 0, 4), "measurement": Count(1, 0, 2)}
    assert ledger.count("tls-slave.9", NAME) == Count()


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_what_an_instance_cut(before: int, cut: int, opened: int) -> None:
    assert cut_since(Count(1, before, opened), Count(1, before + cut, 0)) == cut
    assert cut_since(Count(1, before, opened), Count(2, cut, 0)) == opened + cut, "another life: all it had is gone"
    assert cut_since(Count(), Count(1, cut, 0)) == cut, "never heard before"
    assert cut_since(Count(1, before + cut + 1, opened), Count(1, 0, 0)) == 0, "its counter was dropped for its age"


def test_who_must_acknowledge() -> None:
    running = ["tls-slave", "tls-slave.2", "measurement", "plain-slave", "tls-slaver", "supervisor", "master-pusher"]
    assert must_acknowledge(running, frozenset()) == ["tls-slave", "tls-slave.2"]
    assert must_acknowledge(running, frozenset({"measurement", "tls-slave.3"})) == [
        "measurement", "tls-slave", "tls-slave.2",
    ]  # fmt: skip
    assert [name for name in running if is_tls(name)] == ["tls-slave", "tls-slave.2", "measurement", "master-pusher"]
