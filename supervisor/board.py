"""What others see of this supervisor: its Processes and Events on the bus, and the state file."""

from collections.abc import Iterable

from shared import clock
from shared.bus.messages import Event, Processes
from shared.bus.publisher import Publisher
from shared.errors import RefusedError
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

    __slots__ = ("_file", "_publisher", "_report", "_settings", "_unwritten")

    def __init__(self, publisher: Publisher, file: StateFile, report: Report, settings: Settings) -> None:
        self._publisher = publisher
        self._file = file
        self._report = report
        self._settings = settings
        self._unwritten = 0

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
        """Write the state file alone. A full disk costs `metergate health` its answer, not the roles their supervisor.

        Raises:
            RefusedError: the run folder was removed; only a new start gives the roles and their callers a common one.
        """
        try:
            self._file.write(processes, self._settings.error, self._settings.pending)
        except FileNotFoundError as error:
            folder = self._file.path.parent
            raise RefusedError(f"{folder} was removed while in use; metergate has to start anew") from error
        except OSError as error:
            self._unwritten += 1
            if self._unwritten.bit_count() == 1:
                self._report.error(f"{self._file.path}: cannot be written ({error.strerror})", times=self._unwritten)

    def event(self, kind: str, text: str, level: str = "info", **data: Value) -> None:
        """Log and publish that something happened."""
        self._report.line(level, text, {"kind": kind, **data})
        self._publisher.publish(
            Event(**self._publisher.stamp(Event), t_ns=clock.now_ns(), kind=kind, text=text, level=level, data=data)
        )
