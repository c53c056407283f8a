"""Which image counts, and when its face turns."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.messages import Block, Image
from shared.modbus.pdu import ExceptionCode, Read
from shared.modbus.replica import Replica, Verdict
from shared.modbus.view import FOREVER
from tests.shared.modbus.samples import DEADLINE, T0, image, registers

LIVE = Read(3, 0, 1)
FAILURE = ExceptionCode.SERVER_DEVICE_FAILURE


def value(replica: Replica, unit: int = 1, request: Read = LIVE) -> bytes | ExceptionCode | None:
    face = replica.view.face(unit)
    return None if face is None else face.read(request)


def of(number: int, *, seq: int, gen: int = 1, t_ns: int = T0) -> Image:
    return image(seq=seq, gen=gen, t_ns=t_ns, blocks=(Block(0, number.to_bytes(2, "big"), live=((0, 1),)),))


def test_before_the_first_image_every_unit_fails() -> None:
    replica = Replica({"house": 1})
    assert value(replica, 1) is value(replica, 77) is FAILURE
    assert replica.fresh_until_ns == 0
    assert replica.view.until_ns == FOREVER


def test_no_meter_at_all_fails_as_well() -> None:
    replica = Replica({})
    assert value(replica) is FAILURE
    assert replica.fresh_until_ns == 0
    assert replica.take(image(), T0) is Verdict.NOT_CONFIGURED


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)), min_size=1, max_size=30))
def test_whatever_the_order_the_newest_that_came_counts(versions: Sequence[tuple[int, int]]) -> None:
    replica = Replica({"house": 1})
    for index, (gen, seq) in enumerate(versions):
        verdict = replica.take(of(gen * 100 + seq, seq=seq, gen=gen), T0)
        assert (verdict is Verdict.TAKEN) == ((gen, seq) > max(versions[:index], default=(0, 0)))
        newest = max(versions[: index + 1])
        assert value(replica) == (newest[0] * 100 + newest[1]).to_bytes(2, "big")
    assert replica.counts[Verdict.TAKEN] + replica.counts[Verdict.OLDER] == len(versions)


def test_an_image_turns_stale_behind_its_deadline_and_fresh_with_the_next() -> None:
    replica = Replica({"house": 1})
    replica.take(of(1, seq=1), T0)
    assert replica.view.until_ns == replica.fresh_until_ns == DEADLINE
    assert replica.turn(DEADLINE) is replica.view
    assert value(replica) == b"\0\1"
    replica.turn(DEADLINE + 1)
    assert value(replica) is FAILURE
    assert replica.view.until_ns == FOREVER
    assert replica.fresh_until_ns == DEADLINE
    replica.take(of(2, seq=2, t_ns=DEADLINE), DEADLINE + 2)
    assert value(replica) == b"\0\2"


def test_an_image_that_is_stale_already_is_taken_as_stale() -> None:
    replica = Replica({"house": 1})
    assert replica.take(of(1, seq=1), DEADLINE + 1) is Verdict.TAKEN
    assert value(replica) is FAILURE


def test_an_image_without_a_sample_is_stale_at_any_time() -> None:
    replica = Replica({"house": 1})
    assert replica.take(image(t_ns=0), 0) is Verdict.TAKEN
    assert value(replica) is FAILURE
    assert value(replica, request=Read(3, 512, 2)) == registers(512, 2)
    assert replica.fresh_until_ns == 0


def test_an_image_from_the_future_is_refused_and_counted() -> None:
    replica = Replica({"house": 1})
    replica.take(of(1, seq=1), T0)
    assert replica.take(of(2, seq=2, t_ns=T0 + 2), T0 + 1) is Verdict.FUTURE
    assert value(replica) == b"\0\1"
    assert replica.counts[Verdict.FUTURE] == 1


def test_a_time_of_another_boot_is_mapped() -> None:
    replica = Replica({"house": 1})
    assert replica.take(image(boot="there", t_ns=9 * T0 - 1), T0 - 1) is Verdict.TAKEN
    assert value(replica) is FAILURE  # what a newcomer gets first may be of yesterday
    assert replica.take(image(boot="there", t_ns=9 * T0, seq=2), T0) is Verdict.TAKEN
    assert replica.view.until_ns == DEADLINE
    # the second took 3 ms longer, so it is 3 ms older than its arrival says
    assert replica.take(image(boot="there", t_ns=9 * T0 + 1, seq=3), T0 + 1 + 3_000_000) is Verdict.TAKEN
    assert DEADLINE < replica.view.until_ns < DEADLINE + 1000  # but for what clocks may have drifted in 3 ms


@pytest.mark.parametrize(
    "blocks",
    [(Block(0, b"\0"),), (Block(3, b"\0\0"), Block(0, b"\0\0")), (Block(0, b"\0\0", stale=b"\0\0\0\0"),)],
)
def test_a_malformed_image_changes_nothing(blocks: tuple[Block, ...]) -> None:
    replica = Replica({"house": 1})
    replica.take(of(1, seq=1), T0)
    assert replica.take(image(seq=2, blocks=blocks), T0) is Verdict.MALFORMED
    assert value(replica) == b"\0\1"


def test_an_image_of_a_meter_that_is_not_configured_is_not_kept() -> None:
    replica = Replica({"house": 1})
    assert replica.take(image(meter="removed"), T0) is Verdict.NOT_CONFIGURED
    assert value(replica) is FAILURE


def test_one_meter_answers_any_unit_id() -> None:
    replica = Replica({"house": 7})
    replica.take(of(1, seq=1), T0)
    assert {value(replica, unit) for unit in range(256)} == {b"\0\1"}


def test_several_meters_are_selected_by_unit_id_and_age_apart() -> None:
    replica = Replica({"house": 1, "barn": 2})
    replica.take(image(), T0)
    assert value(replica, 1) == b"\0\0"
    assert value(replica, 2) is FAILURE  # configured, but nothing came yet
    assert value(replica, 3) is None
    assert replica.fresh_until_ns == 0
    replica.take(image(meter="barn", unit=2, t_ns=T0 + 1000), T0 + 1000)
    assert replica.fresh_until_ns == replica.view.until_ns == DEADLINE
    replica.turn(DEADLINE + 1)
    assert value(replica, 1) is FAILURE
    assert value(replica, 2) == b"\0\0"
    assert replica.view.until_ns == DEADLINE + 1000
    replica.turn(DEADLINE + 1001)
    assert value(replica, 2) is FAILURE


def test_a_new_image_forgets_the_finished_answers() -> None:
    replica = Replica({"house": 1})
    replica.take(of(1, seq=1), T0)
    replica.view.remember(b"request", b"answer")
    before = replica.view
    replica.take(of(2, seq=2), T0)
    assert replica.view is not before
    assert not replica.view.answers
