"""Every route of the API, subject by subject."""

from typing import Final

from services.console.api import (
    about,
    clients,
    live,
    processes,
    push,
    registers,
    session,
    settings,
    slave,
    stream,
    users,
)
from services.console.api.route import Route

MODULES: Final = (about, session, users, live, stream, push, slave, clients, registers, processes, settings)
"""Each has its rows as `ROUTES`."""

ROUTES: Final[tuple[Route, ...]] = tuple(route for module in MODULES for route in module.ROUTES)
