"""One rich line per happening: JSON where a machine reads, colours at a terminal. Goes to standard error."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

from shared.config.model import Log
from shared.log_line import LineWriter, for_people

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(settings: Log, instance: str) -> structlog.typing.FilteringBoundLogger:
    """Set up logging for this process.

    Args:
        settings: `[log]` of the settings.
        instance: bound to every line as `instance`.
    """
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        _for_people if console else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if console else structlog.processors.dict_tracebacks,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _stream())),
        cache_logger_on_first_use=False,
    )
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(instance=instance)
    return log


def _for_people(_: object, __: str, line: MutableMapping[str, Any]) -> str:
    """The line, with a traceback below it where there is one."""
    line.pop("timestamp")
    told = str(line.pop("exception", ""))
    level, instance, event = (str(line.pop(key, "")) for key in ("level", "instance", "event"))
    text = for_people(level, instance, event, line, colours=sys.stderr.isatty())
    return f"{text}\n{told}" if told else text


def _stream() -> LineWriter | TextIO:
    """Standard error as it is, where it is no descriptor: a test that catches it."""
    try:
        return LineWriter(sys.stderr.fileno())
    except OSError:
        return sys.stderr
