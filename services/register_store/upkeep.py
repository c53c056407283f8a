"""What has to be done for a journal while it is written. Values are served without a disk: what fails is told."""

import asyncio
from typing import Final

from services.register_store.findings import Finding
from services.register_store.journal import Journal
from shared.rarely import Rarely

CURE: Final = "Before you restore or delete counters: `metergate stop register-store`"


class Upkeep:
    """Of one journal.

    Args:
        journal: open.
        findings: gets what happened.
        rarely: what happens again and again is told ever more rarely.
    """

    __slots__ = ("_findings", "_journal", "_lasting", "_rarely")

    def __init__(self, journal: Journal, findings: list[Finding], rarely: Rarely) -> None:
        self._journal = journal
        self._findings = findings
        self._rarely = rarely
        self._lasting: dict[str, str] = {}

    @property
    def note(self) -> str:
        """What is wrong, for as long as it is; else empty."""
        return "; ".join(self._lasting.values())

    async def look(self, now_ns: int) -> None:
        """Have the file be where it is looked for at the next start, with all that is known; see `Journal.put_back`."""
        if self._journal.is_in_place():
            return
        path = self._journal.path
        try:
            aside = await asyncio.to_thread(self._journal.put_back)
        except OSError as error:
            text = (
                f"{path} is no longer there and cannot be put back ({error.strerror}): values are served on, but the "
                "next start would not know what is counted since; it is tried again"
            )
            self._fails("journal.lost", text, now_ns)
            return
        self._lasting.pop("journal.lost", None)
        what = (
            f"replaced: counting goes on from before, and what was put there is {aside}"
            if aside
            else ("removed: it was put back with all that was counted")
        )
        self._tell("journal.replaced", f"{path} was {what}. {CURE}", now_ns)
        await self.sync(now_ns)

    async def sync(self, now_ns: int) -> None:
        """Have the disk take it. The loop is not held up meanwhile."""
        try:
            await asyncio.to_thread(self._journal.sync)
        except OSError as error:
            self._is_unsafe(error, now_ns)
        else:
            self._lasting.pop("journal.unsafe", None)

    def close(self, now_ns: int) -> None:
        """Have the disk take it, and let go of it. Blocks."""
        try:
            self._journal.sync()
        except OSError as error:
            self._is_unsafe(error, now_ns)
        self._journal.close()

    def _is_unsafe(self, error: OSError, now_ns: int) -> None:
        text = (
            f"{self._journal.path} does not reach its disk ({error.strerror}): values are served on, but a power "
            "failure would take what is counted since; it is tried again"
        )
        self._fails("journal.unsafe", text, now_ns)

    def _fails(self, kind: str, text: str, now_ns: int) -> None:
        self._lasting[kind] = text
        self._tell(kind, text, now_ns)

    def _tell(self, kind: str, text: str, now_ns: int) -> None:
        if times := self._rarely.times(kind, now_ns):
            again = f" ({times} times by now)" if times > 1 else ""
            self._findings.append(Finding(kind, "error", text + again))
