"""The role: when it pushes, what it says, what it is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from services.master_pusher.actor import MasterPusher
from shared import clock
from shared.bus.command import command
from shared.bus.messages import Block, Image
from shared.config.master import Target as Settings
from shared.errors import PeerError, RefusedError
from tests.services.master_pusher.samples import HOUSE, SECOND, FakeLife, image
from tests.support import free_port, until
from tests.system.receivers import Recorder

Story = Callable[[FakeLife, Recorder], Awaitable[None]]


def played(story: Story, *others: Settings, each: dict[str, Any] | None = None, **master: Any) -> list[dict[str, Any]]:
    """Play a story with one slave that answers; returns what was logged."""

    async def play(slave: Recorder) -> None:
        life = FakeLife(Settings(address=f"127.0.0.1:{slave.port}", **(each or {})), *others, **master)
        work = asyncio.create_task(MasterPusher(life).run())
        await until(lambda: life.is_ready)
        await story(life, slave)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    with capture_logs() as lines, Recorder() as slave:
        asyncio.run(play(slave))
    return [dict(line) for line in lines]


def test_each_cycle_is_pushed_once() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        assert life.messages.every[Image], "means need every image"
        assert life.pushes.slaves[0].state == "waiting"
        for seq in range(1, 4):
            life.deliver(image(seq=seq, plus=seq))
            await until(lambda seq=seq: len(slave.times) == seq)  # type: ignore[misc]
            await until(lambda seq=seq: len(slave.writes) == 5 * seq)  # type: ignore[misc]
            assert slave.registers[791] == 791 + seq
        last = image(seq=4)
        life.deliver(last)
        life.deliver(image(seq=5, t_ns=last.t_ns, plus=7))  # a written register: no new measurement
        await until(lambda: life.pushes.slaves[0].pushes == 4)
        assert life.pushes.slaves[0].state == "ok"
        assert life.pushes.slaves[0].holds_ns == last.t_ns
        assert slave.registers[791] == 791

    played(story)


def test_nothing_of_a_stale_or_foreign_or_malformed_image_is_pushed() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        life.deliver(image(seq=1, t_ns=0))
        life.deliver(image(seq=2, t_ns=clock.now_ns() - 6 * SECOND))
        life.deliver(image(seq=3, meter="garden"))
        life.deliver(image(seq=3, t_ns=clock.now_ns() + 60 * SECOND))
        life.deliver(image(seq=3, blocks=(Block(0, b"\0"),)))
        await until(lambda: "stale" in life.pushes.slaves[0].reason)
        assert slave.writes == []

    lines = played(story)
    refused = [line["reason"] for line in lines if line["event"] == "image refused"]
    assert refused == ["dated in the future", "malformed"]


def test_at_an_interval_the_newest_is_pushed() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        life.deliver(image(seq=1, plus=1))
        await until(lambda: len(slave.times) == 1, "the first at once")
        for seq in range(2, 12):
            life.deliver(image(seq=seq, plus=seq))
            await asyncio.sleep(0.01)
        assert len(slave.times) == 1
        await until(lambda: len(slave.times) == 3)
        periods = [after - before for before, after in zip(slave.times, slave.times[1:], strict=False)]
        assert periods == pytest.approx([0.3, 0.3], abs=0.1)
        assert slave.registers[0] == 11

    played(story, interval_ms=300)


def test_means_are_over_every_image_of_the_interval() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        begin = clock.now_ns() - SECOND
        for seq in range(1, 11):
            life.deliver(image(seq=seq, t_ns=begin + seq * 10_000_000, plus=2 * seq))
        await until(lambda: len(slave.writes) == 5)
        assert slave.registers[63] == 63 + 11, "a voltage: the mean of 2, 4 ... 20"
        assert slave.registers[515] == 515 + 20, "an energy: the newest"

    played(story, interval_ms=200, values="mean")


def test_a_mean_is_pushed_once_however_short_the_interval() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        moment = clock.now_ns()
        life.deliver(image(seq=1, t_ns=moment - SECOND))
        life.deliver(image(seq=2, t_ns=moment, plus=2))
        life.deliver(image(seq=1, meter="barn"))
        await until(lambda: len(slave.times) == 1)
        await until(lambda: life.pushes.slaves[1].pushes == 1)
        for seq in (2, 3, 4):  # of another meter, by which the ticks are seen to go on
            life.deliver(image(seq=seq, meter="barn"))
            await until(lambda seq=seq: life.pushes.slaves[1].pushes == seq)  # type: ignore[misc]
        assert slave.registers[63] == 63 + 1, "a voltage: the mean, not the last value"
        assert len(slave.times) == 1
        pushed = life.pushes.slaves[0]
        assert (pushed.state, pushed.pushes, pushed.skipped) == ("ok", 1, 0)
        life.deliver(image(seq=3, plus=2))
        await until(lambda: slave.registers[63] == 63 + 2)

    with Recorder() as barn:
        second = Settings(address="127.0.0.1", port=barn.port, meter="barn")
        played(story, second, meters=(HOUSE, replace(HOUSE, id="barn", unit=2)), interval_ms=100, values="mean")


def test_a_slave_may_want_less_or_another_meter() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        life.deliver(image())
        await until(lambda: slave.writes == [(16, 512, 40)])
        assert life.pushes.slaves[0].groups == ("energy_total",)

    played(story, each={"groups": ("energy_total",)})


def test_the_state_of_all_is_told_soon_after_it_changes() -> None:
    port = free_port()

    async def story(life: FakeLife, _slave: Recorder) -> None:
        life.deliver(image())
        await until(lambda: [push.state for push in life.pushes.slaves] == ["ok", "failing", "disabled"], timeout_s=0.9)
        assert [push.number for push in life.pushes.slaves] == [1, 2, 3]
        assert "connection refused" in life.pushes.slaves[1].reason

    others = Settings(address="127.0.0.1", port=port), Settings(address="127.0.0.1", port=port, enabled=False)
    lines = played(story, *others)
    assert next(line["slave"] for line in lines if line["event"] == "push: failing") == "127.0.0.1"


def test_a_trial_by_command() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        async def test(**args: Any) -> Any:
            return await life.messages.command(command("test", args, 1))

        address = f"127.0.0.1:{slave.port}"
        with pytest.raises(RefusedError, match="no sample yet"):
            await test(number=1, address=address)
        life.deliver(image())
        await until(lambda: life.pushes.slaves[0].state == "ok")
        assert "took 374 registers" in (await test(number=1, address=address))["words"]
        with pytest.raises(RefusedError, match="there is no slave 3"):
            await test(number=3, address=address)
        with pytest.raises(RefusedError, match=r"slave 1 is '127\.0\.0\.1"):
            await test(number=1, address="plc.local")
        with pytest.raises(PeerError, match="connection refused"):
            await test(number=2, address="127.0.0.1")
        with pytest.raises(RefusedError, match="it knows 'test'"):
            await life.messages.command(command("write", {}, 1))

    played(story, Settings(address="127.0.0.1", port=free_port()))


def test_function_6_is_warned_about() -> None:
    async def story(life: FakeLife, slave: Recorder) -> None:
        life.deliver(image())
        await until(lambda: len(slave.writes) == 374)

    lines = played(story, each={"function": 6})
    assert any("one register at a time" in line["event"] for line in lines)
