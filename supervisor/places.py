"""Where roles shall listen by new settings: made sure of before the settings before are given up.

A place that cannot be had is a fault of these settings like any other: the whole change is refused, and nobody loses
the place that he has.
"""

from collections.abc import Iterable, Mapping

from shared.config.check import Problem
from shared.config.faults import located
from shared.config.model import Config
from shared.config.toml import text_of
from shared.errors import Fault
from supervisor.process import Process
from supervisor.settings import Draft, Settings, until_a_start
from supervisor.sockets import ListeningSockets, PlaceError
from supervisor.spec import Listen, RoleSpec


class Places:
    """Of the roles of one supervisor.

    Args:
        specs: roles of this supervisor.
        settings: in force.
        sockets: held for the roles.
    """

    __slots__ = ("_settings", "_sockets", "_specs")

    def __init__(self, specs: tuple[RoleSpec, ...], settings: Settings, sockets: ListeningSockets) -> None:
        self._specs = specs
        self._settings = settings
        self._sockets = sockets

    def check(self, draft: Draft) -> tuple[Fault, ...]:
        """Which places these settings want in vain; nothing is kept."""
        wanted, others = self._compared(draft.config)
        return self._faults(draft, self._sockets.probe(wanted, others))

    def take(self, draft: Draft) -> tuple[Fault, ...]:
        """As `check`, and where there are none, the sockets are kept for the roles."""
        wanted, others = self._compared(draft.config)
        return self._faults(draft, self._sockets.keep(wanted, others))

    def give_back(self) -> None:
        """What was kept for settings that do not come into force after all is let go."""
        self._sockets.keep(_wanted(self._specs, self._settings.config), ())

    def waits(self, spec: RoleSpec, processes: Iterable[Process]) -> bool:
        """Whether these have to wait for their place until others of ours have given theirs up."""
        config = self._settings.config
        where = spec.listen(config)
        if where is None or all(self._sockets.has(each.name, where) for each in processes):
            return False
        return bool(self._sockets.leaving(where.port, _wanted(self._specs, config)))

    def _compared(self, config: Config) -> tuple[Mapping[str, Listen], tuple[str, ...]]:
        """Where each shall listen, and those of them that shall elsewhere than now.

        Only these: what could not be had before must not keep others from their settings.
        """
        wanted = _wanted(self._specs, until_a_start(self._settings.started, config))
        before = _wanted(self._specs, self._settings.config)
        return wanted, tuple(name for name, where in wanted.items() if before.get(name) != where)

    def _faults(self, draft: Draft, errors: Iterable[PlaceError]) -> tuple[Fault, ...]:
        problems = [Problem(tuple(error.key.split(".")), str(error)) for error in errors]
        return located(text_of(draft.content, self._settings.path), problems)


def _wanted(specs: Iterable[RoleSpec], config: Config) -> dict[str, Listen]:
    """Where each process listens that these settings want."""
    return {
        name: where
        for spec in specs
        if spec.enabled(config) and (where := spec.listen(config)) is not None
        for name in spec.instances(config)
    }
