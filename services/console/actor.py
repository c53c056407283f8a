"""The console's life: hear the bus, serve the page and its API. What it needs of the web is imported as it starts."""

import asyncio
import socket
from typing import ClassVar, Final

from shared.actor import Actor
from shared.config.model import Console as Settings
from shared.errors import ConfigError
from shared.modbus.listen import bind

LOOK_S: Final = 0.5


class Console(Actor):
    """Owns users, API tokens and the chart history; decides nothing else."""

    role: ClassVar[str] = "console"

    async def run(self) -> None:
        """Serve until the end."""
        # The fork server imports this module for every role: what only the console needs must not cost the others.
        from services.console.api.desk import Desk  # noqa: PLC0415
        from services.console.api.table import ROUTES  # noqa: PLC0415
        from services.console.app import application  # noqa: PLC0415
        from services.console.hear.hear import Hear  # noqa: PLC0415
        from services.console.in_force import InForce  # noqa: PLC0415
        from services.console.security.caller import Caller, scopes_up_to  # noqa: PLC0415
        from services.console.server import serve  # noqa: PLC0415

        life, settings = self.life, self.life.config.console
        self._in_force = InForce(life.config)
        self._hear = Hear(life, self._in_force)
        desk = Desk(life, self._hear)
        app = application(desk, ROUTES, lambda _: Caller(address="", scopes=scopes_up_to("read")))
        sockets = life.listen or (listen(settings),)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear.town.run())
            tasks.create_task(self._follow_settings())
            tasks.create_task(serve(app, sockets, None))
            life.log.info("serving the page", host=settings.host, port=settings.port)
            life.ready()

    async def _follow_settings(self) -> None:
        while True:
            if self._in_force.look():
                self._hear.settings_changed()
            await asyncio.sleep(LOOK_S)


def listen(settings: Settings) -> socket.socket:
    """The role's own socket, where it was started by hand.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        return bind(settings.host, settings.port)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; see [console] host, port"
        ) from error


ACTOR = Console
