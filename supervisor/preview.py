"""What a text would do as the settings, without doing it: its mistakes, and which roles start, end or start again.

The command `check`. It is asked while somebody types, so it must not hold up a change that really comes: it has a
verification of its own, one at a time.
"""

from typing import Any

from msgspec import to_builtins

from shared.config.faults import faults_of
from shared.config.load import parse
from shared.config.model import Config
from shared.errors import ConfigError, Fault, RefusedError
from supervisor.child import State
from supervisor.control import Progress, Result
from supervisor.fleet import Fleet
from supervisor.loop import Callback
from supervisor.places import Places
from supervisor.settings import Draft, Settings, left_for_a_start, until_a_start
from supervisor.spec import Effect, RoleSpec, effect, verifiers
from supervisor.verification import Verification


class Preview:
    """Answers `check`.

    Args:
        specs: roles of this supervisor.
        settings: in force.
        fleet: how the roles stand now.
        places: where they listen.
        verification: of files that a text names.
        on_found: called when an answer is there that was still to come.
    """

    __slots__ = ("_fleet", "_places", "_settings", "_specs", "_verification", "on_found")

    def __init__(
        self,
        specs: tuple[RoleSpec, ...],
        settings: Settings,
        fleet: Fleet,
        places: Places,
        *,
        verification: Verification,
        on_found: Callback = lambda: None,
    ) -> None:
        self._specs = specs
        self._settings = settings
        self._fleet = fleet
        self._places = places
        self._verification = verification
        self.on_found = on_found

    @property
    def pid(self) -> int:
        """Of the process that looks at the files; 0 while there is none."""
        return self._verification.pid

    def begin(self, text: object) -> Progress:
        """Check a text.

        Raises:
            RefusedError: it is none, or another one is being checked.
        """
        if not isinstance(text, str):
            raise RefusedError("check: text has to be the text of a settings file")
        content = text.encode()
        try:
            written = parse(content, self._settings.path)
        except ConfigError as error:
            refused = _result(faults_of(error))
            return lambda: refused
        if faults := self._places.check(Draft(content, written)):
            return lambda: _result(faults)
        started = self._settings.started
        config = until_a_start(started, written)
        result = _result((), self._effect(config), left_for_a_start(started, written))
        modules = verifiers(self._specs, self._settings.config, config)
        if not modules:
            return lambda: result
        if self._verification.under_way:
            raise RefusedError("another text is being checked; try again in a moment")
        found: list[Result] = []

        def told(faults: tuple[Fault, ...]) -> None:
            found.append(_result(faults) if faults else result)
            self.on_found()

        self._verification.begin(content, modules, told)
        return lambda: found[0] if found else None

    def cancel(self) -> None:
        """Give up."""
        self._verification.cancel()

    def _effect(self, config: Config) -> Effect:
        """Who was stopped by command stays so; who is parked gets another chance by any change."""
        planned = effect(self._specs, self._settings.config, config)
        states = {spec.name: {each.life.state for each in self._fleet.of(spec)} for spec in self._specs}
        parked = tuple(spec.name for spec in self._specs if State.PARKED in states[spec.name] and spec.enabled(config))
        still = {name for name, found in states.items() if found == {State.STOPPED}}
        return Effect(
            restarts=tuple(name for name in planned.restarts if name not in still and name not in parked),
            starts=tuple(dict.fromkeys((*planned.starts, *parked))),
            stops=planned.stops,
        )


def _result(faults: tuple[Fault, ...], planned: Effect | None = None, pending: str = "") -> dict[str, Any]:
    return {
        "faults": [fault._asdict() for fault in faults],
        **to_builtins(planned or Effect()),
        "pending": pending,
    }
