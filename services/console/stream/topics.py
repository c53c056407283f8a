"""What is told when: each sample as it comes, each event, and of every other state its latest, at most once a second.

Nothing is encoded that nobody follows; only `live` goes on for a minute after its last reader, who may come back.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from services.console.api.models.events import Event, Source
from services.console.stream.hub import Hub
from shared import clock

if TYPE_CHECKING:
    from services.console.hear.hear import Hear

STATES_EVERY_S: Final = 1.0
FOLLOWED_NS: Final = 60_000_000_000
SILENT_NS: Final = 900_000_000
"""Without a sample for so long, the age is told."""

State = Callable[[], msgspec.Struct | None]
_encode = msgspec.json.Encoder().encode


class Topics:
    """Feeds the hub.

    Args:
        hear: what was heard.
        states: topic -> the state as it is now; None where there is nothing to tell.

    Attributes:
        hub: who tells it.
    """

    def __init__(self, hear: "Hear", states: dict[str, State]) -> None:
        self._hear = hear
        self._states = states
        self._dirty: set[str] = set()
        self._sent: dict[str, bytes] = {}
        self._followed: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._expiry: dict[str, asyncio.TimerHandle] = {}
        self.hub = Hub(self._now)
        hear.known.on_source = self._source
        hear.events.on_event = self._event
        hear.town.on_sessions = lambda: self.changed("sessions")
        hear.town.on_pushes = lambda: self.changed("pushes")
        hear.town.on_processes = self._processes

    async def run(self) -> None:
        """Once a second: the states that changed, and the age of meters that are silent. Never returns."""
        while True:
            await asyncio.sleep(STATES_EVERY_S)
            dirty, self._dirty = self._dirty, set()
            for topic in dirty:
                self.state(topic)
            now = clock.now_ns()
            for meter in self._hear.in_force.config.meter:
                if now - self._told.get(meter.id, 0) >= SILENT_NS:
                    self.live(meter.id)

    def changed(self, topic: str) -> None:
        """Its state is another one: it is told within a second."""
        self._dirty.add(topic)

    def state(self, topic: str) -> None:
        """Tell it now, where it is followed and is another one than before."""
        make = self._states.get(topic)
        if make is None or not self.hub.wanted(topic):
            return
        made = make()
        if made is not None and (data := _encode(made)) != self._sent.get(topic):
            self._sent[topic] = data
            self.hub.publish(topic, data)

    def live(self, meter: str) -> None:
        """A meter's values, where somebody follows them or did lately."""
        now = clock.now_ns()
        if self.hub.wanted("live", meter):
            self._followed[meter] = now
        elif now - self._followed.get(meter, 0) > FOLLOWED_NS or meter not in self._followed:
            self._followed.pop(meter, None)
            self._told.pop(meter, None)
            return
        settings = self._hear.in_force.meter(meter)
        if settings is None:
            self._followed.pop(meter, None)
            return
        self._told[meter] = now
        live = self._hear.live(settings)
        self.hub.publish("live", _encode(live), meter)
        if (timer := self._expiry.pop(meter, None)) is not None:
            timer.cancel()
        if live.age_ms is not None and not live.stale:  # the very moment in which it grows too old is told, too
            left_s = (live.stale_after_ms - live.age_ms + 1) / 1000
            self._expiry[meter] = asyncio.get_running_loop().call_later(left_s, self.live, meter)

    def _processes(self) -> None:
        self.changed("processes")
        self.changed("settings")

    def _source(self, meter: str) -> None:
        if (made := self._source_of(meter)) is not None:
            self.hub.publish("source", _encode(made))
        self.live(meter)

    def _event(self, made: Event) -> None:
        self.hub.publish("events", _encode(made))

    def _source_of(self, meter: str) -> Source | None:
        known = self._hear.known.get(meter)
        if known is None or known.source is None:
            return None
        source = known.source
        return Source(
            meter=meter,
            connected=source.connected,
            reason=source.reason,
            polls=source.polls,
            failures=source.failures,
        )

    def _now(self, topics: frozenset[str], meter: str) -> Iterator[tuple[str, bytes]]:
        """The states as they are, for a newcomer."""
        if "live" in topics and (settings := self._hear.in_force.meter(meter or None)) is not None:
            yield "live", _encode(self._hear.live(settings))
        if "source" in topics:
            for each in self._hear.in_force.config.meter:
                if (source := self._source_of(each.id)) is not None:
                    yield "source", _encode(source)
        for topic, make in self._states.items():
            if topic in topics and (made := make()) is not None:
                yield topic, _encode(made)
