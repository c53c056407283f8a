"""All that was heard, for whoever answers a request: meters, events, and who runs."""

from typing import TYPE_CHECKING

from services.console.api.models.live import Live, Meter
from services.console.hear.events import Events
from services.console.hear.meters import Meters
from services.console.hear.town import Town

if TYPE_CHECKING:
    from services.console.in_force import InForce
    from shared.actor import Life
    from shared.config.model import Meter as MeterSettings


class Hear:
    """The latest state of everything.

    Args:
        life: of the console.
        in_force: settings.

    Attributes:
        in_force: as given.
        known: what is known of the meters.
        events: what happened.
        town: who runs.
    """

    def __init__(self, life: "Life", in_force: "InForce") -> None:
        self.in_force = in_force
        self.known = Meters()
        self.events = Events()
        self.town = Town(life, self.known, self.events)

    def meters(self) -> tuple[Meter, ...]:
        """The meters of the settings in force, in their order."""
        return tuple(
            Meter(
                id=each.id,
                unit=each.unit,
                source=each.source,
                simulated=self.known.invented(each),
                cycle_ms=each.cycle_ms,
                stale_after_ms=each.stale_after_ms,
            )
            for each in self.in_force.config.meter
        )

    def live(self, meter: "MeterSettings") -> Live:
        """A meter as it is known now."""
        state, reason = self.town.state_of("measurement")
        trouble = "" if state in {"", "ready"} else f"the process measurement is {state}{reason and ': ' + reason}"
        return self.known.live(meter, trouble)

    def settings_changed(self) -> None:
        """Forget what is in the settings no more."""
        self.known.keep(each.id for each in self.in_force.config.meter)
