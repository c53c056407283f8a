"""What has to be done for a journal while it is written. Values are served without a disk: what fails is told."""

import asyncio
from typing import Final

from services.register_store.findings import Finding
from services.register_store.journal import Journal
from shared.rarely import Rarely

UNSAFE: Final = "values are served on, but a power failure would take what is counted since; it is tried again"


class Upkeep:
    """Of one journal.

    Args:
        journal: open.
        findings: gets what happened.
        rarely: what happens again and again is told ever more rarely.

    Attributes:
        note: what is wrong, for as long as it is; else empty.
    """

    __slots__ = ("_findings", "_journal", "_rarely", "note")

    def __init__(self, journal: Journal, findings: list[Finding], rarely: Rarely) -> None:
        self._journal = journal
        self._findings = findings
        self._rarely = rarely
        self.note = ""

    async def sync(self, now_ns: int) -> None:
        """Have the disk take it. The loop is not held up meanwhile."""
        try:
            await asyncio.to_thread(self._journal.sync)
        except OSError as error:
            self._unsafe(error, now_ns)
        else:
            self.note = ""

    def close(self, now_ns: int) -> None:
        """Have the disk take it, and let go of it. Blocks."""
        try:
            self._journal.sync()
        except OSError as error:
            self._unsafe(error, now_ns)
        self._journal.close()

    def _unsafe(self, error: OSError, now_ns: int) -> None:
        self.note = f"{self._journal.path} does not reach its disk ({error.strerror}): {UNSAFE}"
        self._tell("journal.unsafe", self.note, now_ns)

    def _tell(self, kind: str, text: str, now_ns: int) -> None:
        if times := self._rarely.times(kind, now_ns):
            again = f" ({times} times by now)" if times > 1 else ""
            self._findings.append(Finding(kind, "error", text + again))
