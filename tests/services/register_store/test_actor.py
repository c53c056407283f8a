"""The role: samples and writes in, images, settings, events and audit lines out."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
import structlog
from structlog.testing import capture_logs

from services.register_store.actor import RegisterStore
from shared import clock
from shared.actor import Life
from shared.audit.log import AuditLog
from shared.audit.record import folder_of
from shared.bus.messages import Command, Event, Image, Message, Sample, WallboxSettings
from shared.bus.publisher import Stamp
from shared.config.model import Config, Gateway, Meter, Slave, Wallbox
from shared.errors import RefusedError, UnavailableError
from tests.support import until

if TYPE_CHECKING:
    from shared.bus.bus import Bus

M = TypeVar("M", bound=Message)

METER = Meter(id="house", source="simulated")
WHO = {"by": "modbus", "fingerprint": "ab" * 32, "label": "inverter", "address": "192.0.2.7", "role": "Grid"}


class FakeBus:
    """Keeps what is published and who handles what."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.deliver: Callable[[Sample], None]
        self.command: Callable[[Command], Awaitable[dict[str, Any]]]

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        return Stamp(src="register-store", gen=1, seq=len(self.published) + 1)

    def publish(self, message: Message, _key: str = "") -> None:
        self.published.append(message)

    def subscribe(
        self, _instance: str, _kind: type[Message], handler: Callable[[Sample], None], *, every: bool
    ) -> None:
        assert every
        self.deliver = handler

    def serve(self, handler: Callable[[Command], Awaitable[dict[str, Any]]]) -> None:
        self.command = handler


class FakeLife(Life):
    """Keeps what it is told."""

    def __init__(self, state_dir: Path, *, external_control: bool = True) -> None:
        self.messages = FakeBus()
        super().__init__(
            instance="register-store",
            config=Config(
                gateway=Gateway(state_dir=state_dir),
                meter=(METER,),
                slave=Slave(tls=True),
                wallbox=Wallbox(external_control=external_control),
            ),
            bus=cast("Bus", self.messages),
            log=structlog.get_logger(),
        )
        self.is_ready = False

    def ready(self) -> None:
        self.is_ready = True

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages.published if isinstance(message, kind)]

    async def write(self, start: int, /, *values: int, **args: Any) -> dict[str, Any]:
        args = {"meter": "house", "start": start, "values": list(values), "who": WHO, **args}
        return await self.messages.command(Command(id=1, verb="write", args=args, deadline_ns=0))

    def sample(self, seq: int = 1, source: str = "simulated") -> None:
        self.messages.deliver(
            Sample(
                src="measurement",
                gen=1,
                seq=seq,
                t_ns=clock.now_ns(),
                meter="house",
                values={"active_power": 5.0},
                source=source,
                simulated=True,
            )
        )


def play(life: FakeLife, story: Callable[[], Awaitable[None]]) -> None:
    """Live while the story is told."""

    async def live() -> None:
        work = asyncio.create_task(RegisterStore(life).run())
        await until(lambda: life.is_ready or work.done())
        if work.done():
            work.result()
        try:
            await story()
        finally:
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    with capture_logs():
        asyncio.run(live())


def audit(state_dir: Path) -> list[dict[str, Any]]:
    file = folder_of(state_dir) / "register-store.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def test_a_damaged_journal_is_shown_for_as_long_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "counters-house.simulated.journal").write_bytes(bytes(8192))
    life = FakeLife(tmp_path)

    async def story() -> None:
        note = str(life._status["note"])
        assert note.startswith(f"{tmp_path}/counters-house.simulated.journal is damaged: neither of its two slots")

    play(life, story)
    assert [event.kind for event in life.of(Event)] == ["journal.damaged"]


def test_a_sample_of_another_source_is_told_once_and_no_image_comes_of_it(tmp_path: Path) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        for seq in (1, 2, 3):
            life.sample(seq, source="modbus")
        assert life.of(Image) == []
        life.sample(4)
        assert len(life.of(Image)) == 1

    play(life, story)
    (event,) = life.of(Event)
    assert (event.kind, event.level) == ("sample.rejected", "warning")
    assert "sample comes from source 'modbus', settings say 'simulated'" in event.text


def test_live_values_go_on_where_the_disk_fails_and_it_is_shown_until_it_no_longer_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.register_store.actor.GRACE_S", 0.0)
    monkeypatch.setattr("services.register_store.actor.SYNC_CHECK_S", 0.01)
    monkeypatch.setattr("services.register_store.meter_store.SYNC_EVERY_NS", 0)
    life = FakeLife(tmp_path)

    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    async def story() -> None:
        with monkeypatch.context() as broken:
            broken.setattr("os.fdatasync", failing)
            await until(lambda: "does not reach its disk" in str(life._status["note"]))
            images = len(life.of(Image))
            life.sample()
            assert len(life.of(Image)) == images + 1
        await until(lambda: life._status["note"] == "")

    play(life, story)
    assert {(event.kind, event.level) for event in life.of(Event)} == {("journal.unsafe", "error")}


def test_a_write_is_kept_noted_published_and_answered_with_its_image(tmp_path: Path) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        assert [settings.mode for settings in life.of(WallboxSettings)] == [-1]
        life.sample()
        answer = await life.write(41168, 2)
        image = life.of(Image)[-1]
        assert answer == {"gen": image.gen, "seq": image.seq}
        block = next(block for block in image.blocks if block.start == 41160)
        assert block.data[16:18] == b"\0\2"
        settings = life.of(WallboxSettings)[-1]
        assert (settings.meter, settings.mode, settings.min_pv_power_quota) == ("house", 2, 0)
        event = life.of(Event)[-1]
        assert (event.kind, event.data["values"], event.data["fingerprint"]) == (
            "register.written",
            "2",
            WHO["fingerprint"],
        )
        (line,) = audit(tmp_path)
        assert (line["who"], line["what"], line["target"], line["result"]) == (
            WHO,
            "register.write",
            "house 41168: 2",
            "done",
        )

    play(life, story)
    again = FakeLife(tmp_path)

    async def after_a_restart() -> None:
        assert [settings.mode for settings in again.of(WallboxSettings)] == [2]
        again.sample()
        block = next(block for block in again.of(Image)[-1].blocks if block.start == 41160)
        assert block.data[16:18] == b"\0\2"

    play(again, after_a_restart)


@pytest.mark.parametrize(("start", "value", "code"), [(41168, 6, 3), (41170, 15, 3), (0, 1, 2), (41169, 0, 2)])
def test_a_write_that_is_refused_is_told_and_noted_and_changes_nothing(
    tmp_path: Path, start: int, value: int, code: int
) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        life.sample()
        images = len(life.of(Image))
        answer = await life.write(start, value)
        assert answer["exception"] == code
        assert answer["reason"]
        assert len(life.of(Image)) == images
        assert life.of(Event)[-1].kind == "register.refused"
        assert audit(tmp_path)[0]["result"].startswith(f"exception {code:02}")

    play(life, story)


def test_before_the_first_image_it_is_busy(tmp_path: Path) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        assert (await life.write(41168, 1))["exception"] == 6
        assert life.of(Image) == []

    play(life, story)


def test_without_external_control_nothing_is_written(tmp_path: Path) -> None:
    life = FakeLife(tmp_path, external_control=False)

    async def story() -> None:
        life.sample()
        assert (await life.write(41168, 1))["exception"] == 1
        assert [settings.mode for settings in life.of(WallboxSettings)] == [-1]

    play(life, story)
    assert not folder_of(tmp_path).exists()


def test_what_comes_after_the_end_does_no_harm(tmp_path: Path) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        life.sample()

    play(life, story)
    journal = tmp_path / "counters-house.simulated.journal"
    before, published = journal.read_bytes(), len(life.messages.published)
    life.sample(2)
    with pytest.raises(RefusedError, match="or register-store is ending"):
        asyncio.run(life.write(41168, 1))
    assert len(life.messages.published) == published
    assert journal.read_bytes() == before


def test_what_cannot_be_noted_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life = FakeLife(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    async def story() -> None:
        life.sample()
        monkeypatch.setattr("shared.audit.log.AuditLog.append", full)
        answer = await life.write(41168, 1)
        assert (answer["exception"], "audit log cannot be written" in answer["reason"]) == (4, True)
        assert [settings.mode for settings in life.of(WallboxSettings)] == [-1]

    play(life, story)


def test_what_a_slow_disk_held_up_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have been told meanwhile that this peer's right is gone, and nothing of it left."""
    life = FakeLife(tmp_path)

    async def story() -> None:
        life.sample()
        noted: list[str] = []

        def slow(_: AuditLog, *line: Any) -> None:
            now = clock.now_ns()
            noted.append(line[-1])
            monkeypatch.setattr(clock, "now_ns", lambda: now + 200_000_000)

        monkeypatch.setattr(AuditLog, "append", slow)
        assert (await life.write(41168, 1))["exception"] == 6
        assert [settings.mode for settings in life.of(WallboxSettings)] == [-1]
        assert noted[0] == "done"
        assert "not done after all" in noted[1]

    play(life, story)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"meter": "barn"}, "'barn' is no meter"),
        ({"values": []}, "length >= 1"),
        ({"values": [70_000]}, "<= 65535"),
        ({"start": -1}, ">= 0"),
        ({"who": {}}, "by"),
        ({"extra": 1}, "unknown field"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(tmp_path: Path, args: dict[str, Any], reason: str) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        with pytest.raises(RefusedError, match=reason):
            await life.write(41168, 1, **args)
        with pytest.raises(RefusedError, match="does not know 'read'"):
            await life.messages.command(Command(id=1, verb="read", deadline_ns=0))

    play(life, story)


def test_who_asks_whether_writes_are_left_is_answered(tmp_path: Path) -> None:
    life = FakeLife(tmp_path)

    async def story() -> None:
        assert await life.messages.command(Command(id=1, verb="settle", deadline_ns=0)) == {}

    play(life, story)


def test_without_the_audit_log_that_it_needs_it_does_not_begin(tmp_path: Path) -> None:
    folder_of(tmp_path).write_text("not a folder")
    with pytest.raises(UnavailableError, match="audit log cannot be written"):
        RegisterStore(FakeLife(tmp_path))
