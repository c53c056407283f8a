"""The ring of what happened: the newest events of all roles, numbered here. Pure but for the wall clock."""

from collections import deque
from typing import TYPE_CHECKING, Final

from services.console.api.models import events as models
from services.console.times import iso, wall_ms, wall_of
from shared import clock
from shared.bus.messages import Event
from shared.tls.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 500
LEVELS: Final = ("info", "warning", "error")
LONGEST_TEXT: Final = 1000
LONGEST_DATA: Final = 24
"""Keys of one event's details."""


class Events:
    """Newest events.

    Attributes:
        since: wall clock at which listening began, ISO 8601.
        counts: level -> how many there were since then.
        on_event: called with each new one.
    """

    def __init__(self) -> None:
        self._ring: deque[models.Event] = deque(maxlen=MOST)
        self._last = 0
        self.counts = dict.fromkeys(LEVELS, 0)
        self.since = iso(wall_ms())
        self.on_event: Callable[[models.Event], None] = lambda _: None

    def take(self, event: Event) -> None:
        """One of the bus. Its time counts where it was read under this boot; else the time of its coming."""
        wall = wall_of(min(event.t_ns, clock.now_ns())) if event.boot == clock.BOOT_ID else wall_ms()
        self._last += 1
        made = models.Event(
            id=self._last,
            time=iso(wall),
            time_ms=wall,
            instance=event.src,
            kind=event.kind[:64],
            level=event.level if event.level in LEVELS else "info",
            text=clean(event.text.replace("\n", "; "), LONGEST_TEXT),
            data=dict(list(event.data.items())[:LONGEST_DATA]),
        )
        self.counts[made.level] += 1
        self._ring.append(made)
        self.on_event(made)

    def after(self, last: int, limit: int) -> models.Events:
        """Those younger than `last`; of more than `limit` the newest."""
        found = [event for event in self._ring if event.id > last]
        return models.Events(events=tuple(found[-limit:]), last=self._last, since=self.since)
