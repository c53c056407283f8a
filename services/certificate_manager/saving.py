"""How the trust list gets to the disk: one write at a time, told when it fails, tried again, never awaited for ever."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from services.certificate_manager.trust_list import TrustList
from services.certificate_manager.trust_store import StoreError, TrustStore
from shared.errors import RefusedError

WRITE_PATIENCE_S: Final = 8.0
RETRY_S: Final = 10.0
SEEN_S: Final = 3600.0
"""Who was seen when is written with the next decision, and once an hour at most without one: flash wears out."""

Tell = Callable[[str, str, str, str], None]
"""Kind, level, text, fingerprint of an event."""

_late: Final[set[asyncio.Task[Any]]] = set()


class Saving:
    """Writes lists, each in its turn.

    Args:
        store: of the list.
        log: how far the audit log is on disk.
        tell: publishes an event.

    Attributes:
        turn: to be held while deciding what to write, and writing it.
        unsaved: why the list in force is not on disk; empty where it is.
        touched: whether somebody was seen again since the list was written.
    """

    def __init__(self, store: TrustStore, log: Callable[[], int], tell: Tell) -> None:
        self._store = store
        self._log = log
        self._tell = tell
        self.turn = asyncio.Lock()
        self.unsaved = ""
        self.touched = False

    async def write(self, trust: TrustList) -> None:
        """Durable when this returns; the loop is not held up meanwhile.

        Raises:
            StoreError: the disk refused.
        """
        self.touched = False
        try:
            await asyncio.to_thread(self._store.write, tuple(trust), self._log())
        except StoreError as error:
            if self.unsaved != str(error):
                self.unsaved = str(error)
                self._tell("trust.unsaved", "error", self.unsaved, "")
            raise
        if self.unsaved:
            self.unsaved = ""
            self._tell("trust.saved", "info", "the trust list is on disk again", "")

    def is_due(self, since_s: float) -> bool:
        """Whether the list is to be written without a decision, so long after the last time."""
        return (bool(self.unsaved) and since_s >= RETRY_S) or (self.touched and since_s >= SEEN_S)


async def patient(work: Coroutine[Any, Any, None], late: str) -> str:
    """What is wrong with `work`, or that it takes too long; it goes on all the same."""
    task = asyncio.get_running_loop().create_task(work)
    _late.add(task)
    task.add_done_callback(_late.discard)
    done, _ = await asyncio.wait({task}, timeout=WRITE_PATIENCE_S)
    if not done:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # told by `unsaved`
        return late
    try:
        task.result()
    except (StoreError, RefusedError) as error:
        return str(error).removeprefix("not confirmed: it is done, but ")
    return ""
