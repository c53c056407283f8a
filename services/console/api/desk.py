"""All that a handler may use: what was heard, commands to the owners of state, the console's own state."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from services.console.api import clients, processes, push, settings
from services.console.api.errors import not_found
from services.console.hear.certificates import MANAGER, RESTING, Certificates
from services.console.history.history import History
from services.console.security.accounts import Accounts
from services.console.security.door import Door
from services.console.security.pace import Pace
from services.console.settings_file import SettingsFile
from services.console.stream.response import Streams
from services.console.stream.tap import Ears
from services.console.stream.topics import Topics
from services.console.supervisors import Supervisors
from services.console.trial import Trial
from shared import clock
from shared.audit.keep import Keep
from shared.audit.log import open_log
from shared.audit.record import Who
from shared.bus.endpoints import endpoints_of
from shared.bus.messages import Event
from shared.errors import RefusedError

if TYPE_CHECKING:
    from services.console.hear.hear import Hear
    from services.console.security.caller import Caller
    from shared.actor import Life
    from shared.config.model import Config, Meter

DECIDE_S: Final = 8.0
"""Patience with a decision that has to reach every process and the disk."""
SYNC_S: Final = 1.0
ORDER_S: Final = 30.0


def folder_of(config: "Config") -> Path:
    """What the console owns."""
    return config.gateway.state_dir / "console"


class Site(Struct, frozen=True, kw_only=True):
    """How the page is reached.

    Attributes:
        https: whether encrypted.
        port: that it listens on.
        cookie: name of the session's cookie.
        fingerprint: SHA-256 of its certificate, hex; empty without https.
    """

    https: bool
    port: int
    cookie: str
    fingerprint: str = ""


class Desk:
    """One for all requests.

    Args:
        life: of the console.
        hear: what was heard on the bus.
        site: how the page is reached.

    Attributes:
        life, hear, site: as given.
        folder: of what the console owns.
        door: who comes in.
        pace: how fast each caller may ask.
        streams: how many are open.
        ears: who listens in on the bus.
        topics: what they are told.
        certificates: how many there are.
        supervisors: of all processes on this host.
        settings_file: as it is, and how it is changed.
        trial: of a receiver while nothing is pushed.
        history: of the charts.

    Raises:
        UnavailableError: the state folder cannot be written.
    """

    def __init__(self, life: "Life", hear: "Hear", site: Site) -> None:
        self.life = life
        self.hear = hear
        self.site = site
        self.folder = folder_of(life.config)
        self._audit = open_log(life.config.gateway.state_dir, life.instance)
        self._keep = Keep(self._audit, life.log.error)
        self.door = Door(Accounts(self.folder), self.note)
        self.pace = Pace()
        self.streams = Streams()
        self.ears = Ears(endpoints_of(life.config), hear.town.elsewhere())
        self.door.sessions.on_ended = self.streams.end
        self.certificates = Certificates(
            self.ask, lambda: hear.town.state_of(MANAGER)[0], lambda: self.topics.state("certificates")
        )
        hear.town.on_trust = self.certificates.said
        self.topics = Topics(
            hear,
            {
                "certificates": self.certificates.state,
                "sessions": lambda: clients.state(self),
                "pushes": lambda: push.state(self),
                "processes": lambda: processes.state(self),
                "settings": lambda: settings.state(self),
            },
        )
        self.supervisors = Supervisors(life.config.gateway.run_dir, self.ask, hear.town)
        self.settings_file = SettingsFile(
            hear.in_force.path, self.supervisors, self.note, self.tell, self._file_changed
        )
        self.trial = Trial(hear.in_force.path)
        self.history = History(hear, self.folder / "history.db", self.tell)
        hear.known.on_sample = self._sample

    async def run(self) -> None:
        """All that goes on besides requests. Never returns."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hear.town.run())
            tasks.create_task(self.certificates.run())
            tasks.create_task(self.topics.run())
            tasks.create_task(self.settings_file.run())
            tasks.create_task(self.history.run())
            tasks.create_task(self._keep_audit())
            tasks.create_task(self._keep_order())

    def note(self, caller: "Caller", what: str, target: str, result: str) -> None:
        """Into the audit log, before it is done.

        Raises:
            RefusedError: it cannot be written; then it must not be done.
        """
        try:
            self._audit.append(Who(by=caller.by, address=caller.address), what, target, result)
        except OSError as error:
            raise RefusedError(f"the audit log cannot be written ({error.strerror}); nothing was changed") from error
        self._keep.touched = True

    def _file_changed(self) -> None:
        """The settings file is another one; it is not in force yet."""
        self.topics.changed("settings")
        self.topics.changed("pushes")

    def settings_changed(self) -> None:
        """Other settings are in force."""
        self.hear.settings_changed()
        self.history.settings_changed()
        self.topics.changed("settings")

    def _sample(self, meter: str) -> None:
        self.history.take(meter)
        self.topics.live(meter)

    async def _keep_order(self) -> None:
        """End the streams of sessions that have ended by themselves."""
        while True:
            await asyncio.sleep(ORDER_S)
            self.streams.end_unless(self.door.sessions.is_open)

    async def _keep_audit(self) -> None:
        """Once a second, have the disk take what was noted."""
        while True:
            await self._keep.sync()
            await asyncio.sleep(SYNC_S)

    def close(self) -> None:
        """Let go of the audit log."""
        self._keep.close()

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
            RefusedError: it said no, or is not there to be asked.
            PeerError: no answer in time.
        """
        self._check_there(instance)
        return await self.life.bus.call(instance, verb, args or {}, timeout_s)

    async def command(
        self, caller: "Caller", instance: str, verb: str, args: dict[str, Any], timeout_s: float = DECIDE_S
    ) -> dict[str, Any]:
        """Have an owner change something; it is told who wanted it, for its audit log.

        Raises:
            RefusedError: it said no, or is not there to be asked.
            PeerError: no answer in time.
        """
        self._check_there(instance)
        self.life.log.info("command", instance=instance, verb=verb, by=caller.by, address=caller.address)
        return await self.life.bus.call(instance, verb, {**args, "by": caller.by}, timeout_s)

    def runs(self, instance: str) -> bool:
        """Whether it is not stopped, as far as anybody says."""
        return self.hear.town.state_of(instance)[0] not in RESTING

    def _check_there(self, instance: str) -> None:
        """Who was stopped is not waited for."""
        state, reason = self.hear.town.state_of(instance)
        if state in RESTING:
            raise RefusedError(f"{instance} does not run: {reason or state}")

    def tell(self, kind: str, text: str, level: str = "info", **data: str | float | bool) -> None:
        """Log and publish that something happened here."""
        bus = self.life.bus
        {"info": self.life.log.info, "warning": self.life.log.warning}.get(level, self.life.log.error)(
            kind, text=text, **data
        )
        bus.publish(Event(**bus.stamp(Event), t_ns=clock.now_ns(), kind=kind, level=level, text=text, data=data))
