"""What others see of this supervisor: its Processes and Events on the bus, and the state file."""

from collections.abc import Iterable

from shared import clock
from shared.bus.messages import Event, Processes
from shared.bus.publisher import Publisher
from supervisor.process import Process
from supervisor.report import Report, Value
from supervisor.settings import Settings
from supervisor.state_file import StateFile


class Board:
    """Shows state and happenings; decides nothing.

    Args:
        publisher: of this supervisor.
        file: for `metergate health`.
        report: each happening is a log line too.
        settings: whose error and pending changes are shown.
    """

    __slots__ = ("_file", "_publisher", "_report", "_settings")

    def __init__(self, publisher: Publisher, file: StateFile, report: Report, settings: Settings) -> None:
        self._publisher = publisher
        self._file = file
        self._report = report
        self._settings = settings

    def show(self, processes: Iterable[Process]) -> None:
        """Publish and write the state as it is now."""
        processes = tuple(processes)
        self._publisher.publish(
            Processes(
                **self._publisher.stamp(Processes),
                t_ns=clock.now_ns(),
                children=tuple(process.row() for process in processes),
                config_error=self._settings.error,
                config_pending=self._settings.pending,
            )
        )
        self.write(processes)

    def write(self, processes: Iterable[Process]) -> None:
        """Write the state file alone."""
        self._file.write(processes, self._settings.error, self._settings.pending)

    def event(self, kind: str, text: str, level: str = "info", **data: Value) -> None:
        """Log and publish that something happened."""
        self._report.line(level, text, {"kind": kind, **data})
        self._publisher.publish(
            Event(**self._publisher.stamp(Event), t_ns=clock.now_ns(), kind=kind, text=text, level=level, data=data)
        )
