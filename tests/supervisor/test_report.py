import io
import json
import os
from typing import Literal

import structlog

from shared.config.model import Log
from supervisor.report import Report


def written(settings: Log, terminal: bool) -> list[str]:
    reader, writer = os.pipe()
    report = Report(settings, "supervisor", terminal, writer)
    report.debug("not said")
    report.info("ready", pid=7)
    report.error('a "bad" thing')
    os.close(writer)
    with os.fdopen(reader) as lines:
        return lines.read().splitlines()


def test_json_has_the_keys_of_the_roles_lines() -> None:
    buffer = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(buffer),
        wrapper_class=structlog.BoundLogger,  # whatever another test has configured
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
    log.info("ready", instance="supervisor", pid=7)
    theirs = json.loads(buffer.getvalue())
    ours = json.loads(written(Log(), terminal=False)[0])
    assert ours.keys() == theirs.keys()
    assert len(ours["timestamp"]) == len(theirs["timestamp"])
    assert {**ours, "timestamp": ""} == {**theirs, "timestamp": ""}


def test_level_and_shape_follow_the_settings() -> None:
    assert [json.loads(line)["event"] for line in written(Log(), terminal=False)] == ["ready", 'a "bad" thing']
    assert len(written(Log(level="error"), terminal=False)) == 1
    assert len(written(Log(level="debug"), terminal=False)) == 3
    shapes: list[tuple[Literal["auto", "json", "console"], bool, bool]] = [
        ("auto", True, False), ("auto", False, True), ("json", True, True), ("console", False, False)
    ]  # fmt: skip
    for shape, terminal, as_json in shapes:
        assert written(Log(format=shape), terminal)[0].startswith("{") == as_json


def test_people_read_level_instance_event_and_fields() -> None:
    line = written(Log(format="console"), terminal=False)[0]
    assert line.endswith("[info   ] supervisor: ready pid=7")


def test_a_reader_that_went_away_does_not_matter() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    Report(Log(), "supervisor", terminal=False, descriptor=writer).error("nobody reads this")
    os.close(writer)
