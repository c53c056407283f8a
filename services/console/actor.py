"""The console's life: hear the bus, serve the page and its API."""

import asyncio
import socket
import sys
from typing import ClassVar, Final

from services.console.api.desk import Desk, Site, folder_of
from services.console.app import application
from services.console.hear.hear import Hear
from services.console.in_force import InForce
from services.console.security.guard import Guard, cookie_name
from services.console.security.hosts import Hosts
from services.console.server import serve
from shared.actor import Actor
from shared.config.console import Console as Settings
from shared.kernel import return_large_blocks
from shared.modbus.listen import bind_by_hand

LOOK_S: Final = 0.5


class Console(Actor):
    """Owns users, API tokens and the chart history; decides nothing else."""

    role: ClassVar[str] = "console"
    nice: ClassVar[int] = 5

    async def run(self) -> None:
        """Serve until the end."""
        return_large_blocks()
        life, settings = self.life, self.life.config.console
        context, fingerprint = None, ""
        if settings.https:
            from services.console.security.certificate import https  # noqa: PLC0415  # OpenSSL only where it is used

            folder = folder_of(life.config)
            context, fingerprint = await asyncio.to_thread(https, folder, settings.host, settings.names)
        site = site_of(settings, fingerprint)
        self._in_force = InForce(life.config)
        self._hear = Hear(life, self._in_force)
        desk = Desk(life, self._hear, site)
        app = Guard(
            application(desk),
            desk.door.sessions,
            Hosts((*settings.names, settings.host, socket.gethostname())),
            site.cookie,
            https=settings.https,
        )
        sockets = life.listen or (bind_by_hand(settings.host, settings.port, "console"),)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(desk.run())
                tasks.create_task(self._follow_settings(desk))
                tasks.create_task(serve(app, sockets, context, life.log))
                life.log.info(
                    "serving the page",
                    host=settings.host,
                    port=settings.port,
                    https=settings.https,
                    fingerprint=fingerprint,
                )
                self._welcome(desk)
                life.ready()
        finally:
            desk.close()

    def _welcome(self, desk: Desk) -> None:
        """Say how to come in, once: whoever reads the log or the terminal is the owner."""
        door, settings = desk.door, self.life.config.console
        if door.accounts.fault:
            desk.tell("users.damaged", door.accounts.fault, "error")
        elif door.code:
            host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host
            scheme, place = "https" if settings.https else "http", f"[{host}]" if ":" in host else host
            link = f"{scheme}://{place}:{settings.port}/"
            if sys.stderr.isatty():
                welcome = f"open {link}#code={door.code} and set a password there"
                self.life.log.info(welcome)
            else:
                self.life.log.info("no password is set: the set-up code lets in", page=link, code=door.code)

    async def _follow_settings(self, desk: Desk) -> None:
        while True:
            if self._in_force.look():
                desk.settings_changed()
            await asyncio.sleep(LOOK_S)


def site_of(settings: Settings, fingerprint: str) -> Site:
    """How the page is reached.

    Args:
        settings: `[console]`.
        fingerprint: of the https certificate; empty without one.
    """
    cookie = cookie_name(settings.port, https=settings.https)
    return Site(https=settings.https, port=settings.port, cookie=cookie, fingerprint=fingerprint)


ACTOR = Console
