"""All that a handler may use: what was heard, commands to the owners of state, the console's own state."""

from typing import TYPE_CHECKING, Any, Final

from services.console.api.errors import not_found
from shared import clock
from shared.bus.messages import Event

if TYPE_CHECKING:
    from services.console.hear.hear import Hear
    from services.console.security.caller import Caller
    from shared.actor import Life
    from shared.config.model import Meter

DECIDE_S: Final = 8.0
"""Patience with a decision that has to reach every process and the disk."""


class Desk:
    """One for all requests.

    Args:
        life: of the console.
        hear: what was heard on the bus.

    Attributes:
        life, hear: as given.
    """

    def __init__(self, life: "Life", hear: "Hear") -> None:
        self.life = life
        self.hear = hear

    def meter(self, named: str | None) -> "Meter":
        """The meter of that id; the first of the settings where none is named.

        Raises:
            ApiError: there is no such meter.
        """
        meter = self.hear.in_force.meter(named)
        if meter is None:
            known = " ".join(each.id for each in self.hear.in_force.config.meter)
            text = f"there is no meter {named!r}; there are: {known}" if known else "the settings name no [[meter]]"
            raise not_found(text, "meter")
        return meter

    async def ask(
        self, instance: str, verb: str, args: dict[str, Any] | None = None, timeout_s: float = 2.0
    ) -> dict[str, Any]:
        """Ask an owner for what is not on the bus.

        Raises:
            RefusedError: it said no.
            PeerError: no answer in time.
        """
        return await self.life.bus.call(instance, verb, args or {}, timeout_s)

    async def command(
        self, caller: "Caller", instance: str, verb: str, args: dict[str, Any], timeout_s: float = DECIDE_S
    ) -> dict[str, Any]:
        """Have an owner change something; it is told who wanted it, for its audit log.

        Raises:
            RefusedError: it said no.
            PeerError: no answer in time.
        """
        self.life.log.info("command", instance=instance, verb=verb, by=caller.by, address=caller.address)
        return await self.life.bus.call(instance, verb, {**args, "by": caller.by}, timeout_s)

    def tell(self, kind: str, text: str, level: str = "info", **data: str | float | bool) -> None:
        """Log and publish that something happened here."""
        bus = self.life.bus
        {"info": self.life.log.info, "warning": self.life.log.warning}.get(level, self.life.log.error)(
            kind, text=text, **data
        )
        bus.publish(Event(**bus.stamp(Event), t_ns=clock.now_ns(), kind=kind, level=level, text=text, data=data))
