import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from shared.config.model import Log
from shared.logging import configure


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_is_json_with_the_instance_and_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Log(), "plain-slave.2").info("client refused", peer="::1", reason="zu viele für heute")
    told = capsys.readouterr().err
    line = json.loads(told)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "client refused",
        "instance": "plain-slave.2",
        "level": "info",
        "peer": "::1",
        "reason": "zu viele für heute",
    }
    assert "für" in told


def test_each_happening_is_one_line_also_with_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log = configure(Log(format="json"), "x")
    try:
        int("two\nlines")
    except ValueError:
        log.exception("failed")
    log.error("command failed", exc_info=KeyError("later"))
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first["exception"][0]["exc_type"] == "ValueError"
    assert first["exception"][0]["exc_value"] == r"invalid literal for int() with base 10: 'two\nlines'"
    assert first["exception"][0]["frames"]
    assert second["exception"][0]["exc_type"] == "KeyError"


def test_what_json_cannot_tell_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Log(), "x").info("odd", data=b"\xff", kind=object)
    assert "xff" in json.loads(capsys.readouterr().err)["data"]


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_decides_what_is_told(capsys: pytest.CaptureFixture[str], level: str, count: int) -> None:
    log = configure(Log(level=level), "x")  # type: ignore[arg-type]  # each of the four
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("told")
    assert len(capsys.readouterr().err.splitlines()) == count


def test_a_terminal_gets_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure(Log(), "measurement").warning("meter silent", since_s=3)
    text = capsys.readouterr().err
    assert "meter silent" in text
    assert text.endswith("measurement: meter silent since_s=3\n"), "of the same shape as the supervisor's lines"
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_a_terminal_shows_a_traceback_below_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = configure(Log(format="console"), "x")
    try:
        int("nothing")
    except ValueError:
        log.exception("failed", kind="")
    first, *below = capsys.readouterr().err.splitlines()
    assert first.endswith("[error  ] x: failed")
    assert below[0].startswith("Traceback")
    assert "invalid literal" in below[-1]


def test_json_can_be_asked_for_at_a_terminal_and_text_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(Log(format="console"), "x").info("plain")
    with pytest.raises(json.JSONDecodeError):
        json.loads(capsys.readouterr().err)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure(Log(format="json"), "x").info("json")
    assert json.loads(capsys.readouterr().err)["event"] == "json"
