"""`metergate tap` and `metergate replay`: listening, recording, playing back."""

import json
import signal
import sys
from pathlib import Path
from typing import get_args

from shared import clock
from shared.bus import endpoints
from shared.bus.codec import decode
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Image, Published, topic
from shared.tap.filters import Filter
from shared.tap.follow import Follower
from shared.tap.recording import RecordingReader
from tests.shared.bus.talker import Talker, image, once, sample
from tests.supervisor.cli.conftest import Run
from tests.support import Processes, wait_for

METERGATE = Path(sys.executable).with_name("metergate")


def recorded(run: Run, config: Path, run_dir: Path, count: int = 6) -> Path:
    path = config.with_name("day.tape")
    with Talker(run_dir, "register-store", image), Talker(run_dir, "measurement", sample):
        result = run("tap", "--record", path, "--quiet", "--count", str(count), "--config", config)
    assert result.exit_code == 0
    assert result.stdout == ""
    return path


def test_it_shows_one_line_per_message_and_a_summary(run: Run, config: Path, run_dir: Path) -> None:
    with Talker(run_dir, "measurement", sample):
        result = run("tap", "--count", "3", "--config", config)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert all("measurement sample/house #" in line and "active_power=1234.5" in line for line in lines)
    assert "3 messages in" in result.stderr
    assert "\x1b" not in result.output


def test_json_lines_are_for_programs(run: Run, config: Path, run_dir: Path) -> None:
    with Talker(run_dir, "measurement", sample), Talker(run_dir, "register-store", once(image)):
        result = run("tap", "--json", "--topic", "image", "--count", "1", "--config", config)
    (found,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert found["instance"] == "register-store"
    assert found["message"]["blocks"][0] == {
        "start": 0, "data": "0001020304050607", "stale": "", "live": [], "unknown": [], "writable": [],
    }  # fmt: skip


def test_a_topic_that_no_message_has_is_named(run: Run, config: Path) -> None:
    result = run(
        "tap", "--topic", "sampel", "--topic", "imag", "--topic", "event/", "--seconds", "0.05", "--config", config
    )
    (line,) = [line for line in result.stderr.splitlines() if "topic" in line]
    names = sorted(topic(kind).decode().partition("/")[0] for kind in get_args(Published))
    assert line == f"no message has a topic like 'sampel'; there are: {' '.join(names)}"
    assert result.exit_code == 0, "another version's role may have it"


def test_it_waits_for_what_does_not_run_yet(run: Run, config: Path, run_dir: Path) -> None:
    result = run("tap", "--seconds", "0.05", "--config", config)
    assert result.exit_code == 0
    assert f"nothing to listen to runs under {run_dir}; waiting" in result.stderr
    assert "0 messages" in result.stderr


def test_it_works_while_the_settings_are_wrong(run: Run, config: Path, run_dir: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8") + "port = 3\n", encoding="utf-8")
    with Talker(run_dir, "measurement", sample):
        assert run("tap", "--count", "1", "--config", config).exit_code == 0


def test_a_recording_overwrites_nothing(run: Run, config: Path) -> None:
    before = config.read_bytes()
    result = run("tap", "--record", config, "--config", config)
    assert result.exit_code == 1
    assert "overwrites nothing" in result.stderr
    assert config.read_bytes() == before


def test_ctrl_c_ends_with_a_summary_and_a_whole_recording(config: Path, run_dir: Path, processes: Processes) -> None:
    path = config.with_name("day.tape")
    with Talker(run_dir, "measurement", sample):
        tap = processes.start(METERGATE, "tap", "--record", path, "--config", config)
        tap.wait_output("sample/house")
        tap.send(signal.SIGINT)
        assert tap.wait() == 0
    assert "messages in" in tap.output
    assert "Traceback" not in tap.output
    with RecordingReader(path) as reader:
        entries = list(reader)
    assert reader.damage == ""
    assert len(entries) > 0


def test_a_stopped_tap_costs_the_writer_nothing(config: Path, run_dir: Path, processes: Processes) -> None:
    path = config.with_name("day.tape")
    with Talker(run_dir, "measurement", sample, pause_ms=0) as talker:
        tap = processes.start(METERGATE, "tap", "--quiet", "--record", path, "--config", config)
        wait_for(lambda: path.exists() and path.stat().st_size > 1000, "the tap to listen")
        tap.send(signal.SIGSTOP)
        before = talker.said
        wait_for(lambda: talker.said > before + 5000, "the writer to go on")
        tap.send(signal.SIGCONT)
        tap.send(signal.SIGTERM)
        assert tap.wait() == 0
    assert talker.slowest_ns < 500_000_000


def test_replay_shows_what_tap_showed(run: Run, config: Path, run_dir: Path) -> None:
    path = recorded(run, config, run_dir)
    result = run("replay", path, "--speed", "0", "--topic", "sample")
    assert result.exit_code == 0
    assert result.stdout
    assert all(" measurement sample/house #" in line and " ms old " in line for line in result.stdout.splitlines())
    assert result.stderr == ""
    lines = run("replay", path, "--speed", "0", "--json").stdout.splitlines()
    assert {json.loads(line)["instance"] for line in lines} == {"measurement", "register-store"}
    assert len(lines) == 6


def test_replay_shows_the_rest_of_a_damaged_recording(run: Run, config: Path, run_dir: Path) -> None:
    path = recorded(run, config, run_dir)
    path.write_bytes(path.read_bytes()[:-5])
    result = run("replay", path, "--speed", "0")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 5
    assert "warning: " in result.stderr
    assert "incomplete" in result.stderr


def test_replay_refuses_what_is_no_recording(run: Run, config: Path) -> None:
    result = run("replay", config)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is no recording" in result.stderr


def test_published_messages_are_of_now(run: Run, config: Path, run_dir: Path, processes: Processes) -> None:
    path = recorded(run, config, run_dir, 40)
    began = clock.now_ns()
    how = ("--publish", "--quiet", "--role", "register-store", "--speed", "0.2")
    replay = processes.start(METERGATE, "replay", path, *how, "--config", config)
    with Follower(Endpoints(run_dir), Filter()) as follower:
        received = wait_for(lambda: list(follower.poll(0.1)), "an image")[0]
    message = decode(received.entry.payload)
    assert received.instance == "register-store"
    assert isinstance(message, Image)
    assert message.boot == clock.BOOT_ID
    assert began - 1_000_000_000 < message.t_ns <= clock.now_ns()
    assert endpoints.is_held(run_dir, "register-store")
    assert not endpoints.is_held(run_dir, "measurement")
    assert replay.terminate() == 0
    assert "publishing as register-store" in replay.output


def test_a_running_role_is_not_replaced(run: Run, config: Path, run_dir: Path) -> None:
    path = recorded(run, config, run_dir)
    with Talker(run_dir, "measurement", sample):
        result = run("replay", path, "--publish", "--config", config)
    assert result.exit_code == 1
    assert "measurement is already running" in result.stderr


def test_nobody_can_follow_all_at_once(run: Run, config: Path) -> None:
    assert run("replay", config, "--publish", "--speed", "0").exit_code == 2
