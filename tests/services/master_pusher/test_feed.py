"""Which image counts, until when, and what is pushed of it."""

import pytest

from services.master_pusher.feed import Taken
from services.master_pusher.groups import GROUPS
from shared.bus.messages import Block
from shared.modbus.pdu import Read
from shared.modbus.replica import Replica
from tests.services.master_pusher.samples import SECOND, STALE_AFTER_MS, feed, image, words

T0 = 1_000 * SECOND


def test_an_image_is_pushed_exactly_as_the_plain_slave_shows_it() -> None:
    one, slave = feed(), Replica({"house": 1})
    message = image(t_ns=T0)
    assert one.take(message, T0) is Taken.CYCLE
    slave.take(message, T0)
    batch = one.batch()
    assert batch is not None
    assert batch.data.keys() == GROUPS.keys()
    face = slave.view.face(1)
    assert face is not None
    for name, data in batch.data.items():
        assert data == face.read(Read(3, GROUPS[name].start, GROUPS[name].count))
    assert (batch.t_ns, batch.until_ns) == (T0, T0 + STALE_AFTER_MS * 1_000_000)
    assert batch.until_ns == slave.fresh_until_ns


def test_before_the_first_sample_there_is_nothing() -> None:
    one = feed()
    assert one.batch() is None
    assert one.take(image(t_ns=0), T0) is Taken.NO_SAMPLE
    assert (one.batch(), one.until_ns) == (None, -1)


def test_a_store_that_starts_anew_without_samples_ends_what_was() -> None:
    one = feed()
    one.take(image(t_ns=T0), T0)
    assert one.take(image(gen=2, t_ns=0), T0) is Taken.NO_SAMPLE
    assert one.batch() is None


def test_only_newer_images_count_and_none_from_the_future() -> None:
    one = feed()
    assert one.take(image(seq=5, t_ns=T0), T0) is Taken.CYCLE
    assert one.take(image(seq=5, t_ns=T0 + 1), T0 + 1) is Taken.OLDER
    assert one.take(image(seq=4, t_ns=T0 + 1), T0 + 1) is Taken.OLDER
    assert one.take(image(seq=6, t_ns=T0 + 2), T0 + 1) is Taken.FUTURE
    assert one.take(image(gen=2, t_ns=T0 + 1), T0 + 1) is Taken.CYCLE
    assert one.counts[Taken.OLDER] == 2


def test_what_changed_without_a_new_sample_is_no_cycle() -> None:
    one = feed()
    one.take(image(t_ns=T0), T0)
    assert one.take(image(seq=2, t_ns=T0), T0 + 5) is Taken.SAME_CYCLE


def test_a_malformed_image_is_not_taken() -> None:
    one = feed()
    assert one.take(image(t_ns=T0, blocks=(Block(0, b"\0"),)), T0) is Taken.MALFORMED
    assert one.batch() is None


def test_a_group_of_which_something_was_never_known_is_withheld() -> None:
    one = feed()
    blocks = (Block(0, words(0, 148)), Block(512, words(512, 280), unknown=((520, 524),)))
    one.take(image(t_ns=T0, blocks=blocks), T0)
    batch = one.batch()
    assert batch is not None
    assert batch.withheld == ("energy_total",)
    assert set(batch.data) == set(GROUPS) - {"energy_total"}


def test_means_of_current_values_and_never_of_energies() -> None:
    one = feed(mean=True)
    for seq, second in enumerate((0, 1, 2), start=1):
        one.take(image(seq=seq, t_ns=T0 + second * SECOND, plus=2 * second), T0 + second * SECOND)
    batch = one.batch(2000)
    assert batch is not None
    assert batch.mean_ms == 2000
    assert batch.data["energy_total"] == words(512, 40, 4)
    voltage = slice(2 * (62 - 40), 2 * (64 - 40))
    assert batch.data["instantaneous_phases"][voltage] == words(62, 2, 2), "half way between the first and the last"


def test_an_interval_without_a_measurement_has_no_mean() -> None:
    one = feed(mean=True)
    for seq, second in enumerate((0, 1), start=1):
        one.take(image(seq=seq, t_ns=T0 + second * SECOND, plus=2 * second), T0 + second * SECOND)
    mean = one.batch(500)
    assert mean is not None
    assert (mean.mean_ms, mean.delivery) == (1000, "house-1-2-1000"), "two intervals, since a cycle is as long"
    assert one.batch(500) is None
    one.take(image(seq=3, t_ns=T0 + SECOND, plus=2), T0 + SECOND)
    assert one.batch(500) is None, "written to, not measured anew"
    one.take(image(seq=4, t_ns=T0 + 2 * SECOND, plus=4), T0 + 2 * SECOND)
    after = one.batch(500)
    assert after is not None
    assert after.delivery == "house-1-4-1000"
    voltage = slice(2 * (62 - 40), 2 * (64 - 40))
    assert after.data["instantaneous_phases"][voltage] == words(62, 2, 3), "nothing of the time between is lost"


def test_a_single_measurement_is_no_mean() -> None:
    one = feed(mean=True)
    one.take(image(t_ns=T0, plus=2), T0)
    batch = one.batch(10_000)
    assert batch is not None
    assert (batch.mean_ms, batch.delivery) == (0, "house-1-1")
    assert batch.data["instantaneous_total"] == words(0, 28, 2)
    one.take(image(seq=2, t_ns=T0 + 60 * SECOND), T0 + 60 * SECOND)
    batch = one.batch(10_000)
    assert batch is not None
    assert batch.mean_ms == 0, "what lies before it was not measured"


@pytest.mark.parametrize("cycles", [9, 10, 11])
def test_a_cycle_more_or_less_does_not_change_the_interval(cycles: int) -> None:
    one = feed(mean=True)
    for seq in range(cycles + 1):
        one.take(image(seq=seq, t_ns=T0 + seq * SECOND), T0 + seq * SECOND)
    batch = one.batch(10_000)
    assert batch is not None
    assert batch.mean_ms == 10_000


def test_times_of_another_boot_are_mapped() -> None:
    one = feed()
    one.take(image(t_ns=5, boot="another"), T0)
    assert one.batch() is None, "repeated to a newcomer, it may be of any age"
    one.take(image(seq=2, t_ns=6, boot="another"), T0)
    batch = one.batch()
    assert batch is not None
    assert batch.t_ns == T0
