"""Which certificates there are, in short: asked of their manager as soon as something about them was said.

Pages are told at once where a certificate came, went or was decided about, and every few seconds of the rest of a row;
also where the manager's process came, went or waits, on which hangs what they show.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from services.console.api.models.events import Changed
from shared.errors import PeerError, RefusedError

MANAGER: Final = "certificate-manager"
Ask = Callable[..., Any]

GATHER_S: Final = 0.1
"""What was said within so short a time is asked about once; the manager has heard it too by then."""
PAUSE_S: Final = 0.5
"""Between two questions."""
REST_S: Final = 5.0
"""Of what changes all the time: last seen, connections."""
MOST_PAGES: Final = 64
RESTING: Final = frozenset({"disabled", "stopped", "parked"})
"""States of a process that does not come by itself."""
_DECIDED: Final = ("fingerprint", "status", "grant", "label")


async def listed(ask: Ask) -> list[dict[str, Any]]:
    """All rows of the manager's list.

    Raises:
        PeerError: it does not answer.
        RefusedError: it said no.
    """
    rows: list[dict[str, Any]] = []
    after = ""
    for _ in range(MOST_PAGES):
        page = await ask(MANAGER, "list", {"after": after})
        rows += page["certificates"]
        if not page["more"] or not page["certificates"]:
            break
        after = page["certificates"][-1]["fingerprint"]
    return rows


class Certificates:
    """Follows the list.

    Args:
        ask: asks an owner.
        state: that of the manager's process, as its supervisor says; empty where none does.
        on_change: called where the list is another one, or the manager's process in another state.

    Attributes:
        counts: how many there are of each status.
        changes: how often that was.
    """

    def __init__(self, ask: Ask, state: Callable[[], str], on_change: Callable[[], None]) -> None:
        self._ask = ask
        self._state = state
        self._on_change = on_change
        self._said = asyncio.Event()
        self._decided: list[tuple[Any, ...]] = []
        self._rows: list[dict[str, Any]] = []
        self._told_at = 0.0
        self._told_state = ""
        self.counts: dict[str, int] = {}
        self.changes = 0

    def said(self) -> None:
        """Something about certificates, or their manager, was said."""
        self._said.set()

    def state(self) -> Changed:
        """As the stream tells it."""
        counts = self.counts
        return Changed(pending=counts.get("pending", 0), accepted=counts.get("accepted", 0), changes=self.changes)

    async def run(self) -> None:
        """Ask whenever something was said. Never returns."""
        while True:
            await self._said.wait()
            await asyncio.sleep(GATHER_S)
            self._said.clear()
            state = self._state()
            self._compare(await self._now(state), state)
            await asyncio.sleep(PAUSE_S)

    async def _now(self, state: str) -> list[dict[str, Any]]:
        if state in RESTING:
            return []
        try:
            return await listed(self._ask)
        except (PeerError, RefusedError):
            return self._rows

    def _compare(self, rows: list[dict[str, Any]], state: str) -> None:
        now_s = asyncio.get_running_loop().time()
        decided = [tuple(row.get(name) for name in _DECIDED) for row in rows]
        other = rows != self._rows and now_s - self._told_at >= REST_S
        if decided == self._decided and state == self._told_state and not other:
            return
        self._decided, self._rows, self._told_at, self._told_state = decided, rows, now_s, state
        self.counts = {}
        self.changes += 1
        for row in rows:
            self.counts[row["status"]] = self.counts.get(row["status"], 0) + 1
        self._on_change()
