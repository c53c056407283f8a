import asyncio

from services.measurement.pace import BootClock, Pace
from shared.clock import now_ns
from tests.services.measurement.fake_clock import FakeClock


def test_cycles_begin_on_absolute_deadlines_whatever_each_one_takes() -> None:
    async def story() -> list[int]:
        clock = FakeClock(now=500)
        pace = Pace(clock, 100)
        begins = []
        for cycle in range(5):
            assert await pace.cycle() == cycle
            begins.append(clock.now)
            clock.now += 60
        return begins

    assert asyncio.run(story()) == [500, 600, 700, 800, 900]


def test_missed_cycles_are_skipped_and_the_running_one_is_taken_at_once() -> None:
    async def story() -> list[tuple[int, int]]:
        clock = FakeClock(now=0)
        pace = Pace(clock, 100)
        taken = []
        for work in (0, 350, 0, 0):
            taken.append((await pace.cycle(), clock.now))
            clock.now += work
        return taken

    assert asyncio.run(story()) == [(0, 0), (1, 100), (4, 450), (5, 500)]


def test_what_is_made_ready_ahead_waits_for_its_cycle() -> None:
    async def story() -> list[tuple[int, int, int, int]]:
        clock = FakeClock(now=0)
        pace = Pace(clock, 100, ahead_ns=10)
        taken = []
        for work in (4, 4, 15, 300, 0):
            cycle, ready = await pace.cycle(), clock.now
            clock.now += work
            begun = await pace.begin()
            taken.append((cycle, ready, begun, clock.now))
        return taken

    assert asyncio.run(story()) == [
        (0, 0, 0, 4),
        (1, 90, 1, 100),
        (2, 190, 2, 205),
        (3, 290, 5, 590),
        (6, 590, 6, 600),
    ]


def test_who_is_late_lets_others_do_their_work_all_the_same() -> None:
    async def story() -> None:
        turned = asyncio.Event()
        asyncio.get_running_loop().call_soon(turned.set)
        await BootClock().sleep_until(now_ns() - 5)
        assert turned.is_set()

    asyncio.run(story())


def test_the_real_clock_never_wakes_early() -> None:
    async def story() -> None:
        for wait_ns in (-5, 0, 300_000, 2_000_000):
            due = now_ns() + wait_ns
            await BootClock().sleep_until(due)
            assert now_ns() >= due

    asyncio.run(story())
