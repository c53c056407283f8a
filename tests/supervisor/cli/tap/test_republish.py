"""A recording played back: its pace, and its messages as if they happened now."""

from pathlib import Path

import msgpack
import pytest

from shared import clock
from shared.bus import endpoints
from shared.bus.codec import decode, encode
from shared.bus.endpoints import Endpoints, acquire
from shared.bus.messages import Child, Image, Message, Processes, Sample
from shared.errors import RefusedError
from shared.tap.filters import Filter
from shared.tap.follow import Follower
from shared.tap.recording import Entry, RecordingWriter
from supervisor.cli.tap.republish import Republisher, paced, selected, writer, writers
from tests.support import wait_for

MS = 1_000_000
OLD_BOOT = "an earlier boot"


def sample(src: str = "measurement", t_ns: int = 1000 * MS, boot: str = OLD_BOOT) -> Sample:
    return Sample(src=src, gen=5, seq=9, t_ns=t_ns, boot=boot, meter="house", values={"active_power": 1.0})


def entry(message: Message, t_ns: int = 1002 * MS, topic: bytes = b"sample/house") -> Entry:
    return Entry(t_ns, topic, encode(message))


def test_the_writer_is_who_the_message_names() -> None:
    assert writer(entry(sample("plain-slave.2"))) == "plain-slave.2"
    for payload in (b"\xc1", b"\x01", msgpack.packb({"src": "x" * 99}), msgpack.packb({"src": "\x1b"}), b"\x80"):
        assert writer(Entry(1, b"t", payload)) == "?"


def test_filters_apply() -> None:
    items = [entry(sample()), entry(sample("console")), entry(sample(), topic=b"image/house")]
    assert list(selected(items, Filter(roles=("measurement",), topics=("sample",)))) == [("measurement", items[0])]


def test_the_pace_is_the_recorded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    items = [("a", Entry(t * MS, b"", b"")) for t in (500, 500, 700, 1700)]
    seen = []

    def wait(left: float) -> bool:
        nonlocal now
        now += min(left, 0.05)
        return now < 100.3

    for _, one in paced(items, 2.0, wait):
        seen.append((one.t_ns // MS, round(now - 100, 6)))
    assert seen == [(500, 0.0), (500, 0.0), (700, 0.1)]
    assert len(list(paced(items, 0, wait))) == 4


def played(run_dir: Path, name: str, entries: list[Entry]) -> list[Message]:
    """What a follower hears of a replay."""
    found: list[Message] = []
    with Republisher(Endpoints(run_dir), [name], OLD_BOOT) as bus, Follower(Endpoints(run_dir), Filter()) as follower:
        for one in entries:
            bus.publish(name, one)

        def look() -> bool:
            bus.wait(0.001)
            found.extend(decode(received.entry.payload) for received in follower.poll(0.01))
            return len(found) >= len(entries) - bus.skipped

        wait_for(look, "the messages")
    return found


def test_ages_stay_and_the_rest_is_of_now(run_dir: Path) -> None:
    before = clock.now_ns()
    (message,) = played(run_dir, "measurement", [entry(sample())])
    assert isinstance(message, Sample)
    assert message.values == {"active_power": 1.0}
    assert message.boot == clock.BOOT_ID
    assert before - 2 * MS <= message.t_ns <= clock.now_ns() - 2 * MS
    assert message.gen > 5
    assert message.seq == 1


def test_an_image_before_the_first_sample_stays_one(run_dir: Path) -> None:
    image = Image(
        src="register-store", gen=1, seq=1, t_ns=0, boot="b", meter="house", unit=1, stale_after_ms=1, blocks=()
    )
    (message,) = played(run_dir, "register-store", [entry(image, topic=b"image/house")])
    assert message.t_ns == 0


def test_uptimes_stay(run_dir: Path) -> None:
    child = Child(name="console", role="console", state="ready", pid=7, started_ns=2 * MS)
    message = Processes(src="supervisor", gen=1, seq=1, t_ns=1000 * MS, boot=OLD_BOOT, children=(child,))
    (found,) = played(run_dir, "supervisor", [entry(message, topic=b"processes/")])
    assert isinstance(found, Processes)
    assert found.t_ns - found.children[0].started_ns == 998 * MS


@pytest.mark.parametrize(
    "bad",
    [
        Entry(1, b"sample/house", b"\xc1"),
        Entry(1, b"sample/house", msgpack.packb({"type": "sample/99", "src": "measurement"})),
        entry(sample(boot="yet another boot")),
    ],
)
def test_what_nobody_could_use_is_skipped(run_dir: Path, bad: Entry) -> None:
    with Republisher(Endpoints(run_dir), ["measurement"], OLD_BOOT) as bus:
        bus.publish("measurement", bad)
        bus.publish("?", entry(sample()))
        assert bus.skipped == 2


def test_a_running_instance_is_not_replaced(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "LOCK_PATIENCE_S", 0.0)
    lock = acquire(run_dir, "register-store")
    with pytest.raises(RefusedError, match="register-store is already running"):
        Republisher(Endpoints(run_dir), ["measurement", "register-store"], OLD_BOOT)
    assert endpoints.instances(run_dir) == ["register-store"]
    lock.release()
    with Republisher(Endpoints(run_dir), ["measurement", "register-store"], OLD_BOOT):
        assert endpoints.instances(run_dir) == ["measurement", "register-store"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "A", "a" * 60])
def test_a_name_from_a_recording_cannot_leave_the_folder(run_dir: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="no instance name"):
        Republisher(Endpoints(run_dir), [name], OLD_BOOT)


def test_too_many_writers_are_refused(run_dir: Path) -> None:
    with pytest.raises(RefusedError, match="at most 64"):
        Republisher(Endpoints(run_dir), [f"plain-slave.{number}" for number in range(65)], OLD_BOOT)


def test_writers_are_those_of_the_wanted_messages(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "r") as recording:
        for one in (entry(sample()), entry(sample("console")), Entry(1, b"sample/house", b"\xc1")):
            recording.write(one)
    assert writers(tmp_path / "r", Filter()) == ({"measurement", "console"}, clock.BOOT_ID)
    assert writers(tmp_path / "r", Filter(roles=("console",)))[0] == {"console"}
    with pytest.raises(RefusedError, match="nothing is published"):
        writers(tmp_path / "r", Filter(topics=("image",)))
