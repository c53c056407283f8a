"""Every route of the API, subject by subject."""

from typing import Final

from services.console.api import (
    about,
    audit,
    authorities,
    certificates,
    clients,
    live,
    own,
    processes,
    push,
    registers,
    session,
    settings,
    slave,
    stream,
    tap,
    users,
)
from services.console.api.route import Route

MODULES: Final = (
    about,
    session,
    users,
    live,
    stream,
    certificates,
    own,
    authorities,
    push,
    slave,
    clients,
    registers,
    processes,
    tap,
    audit,
    settings,
)
"""Each has its rows as `ROUTES`."""

ROUTES: Final[tuple[Route, ...]] = tuple(route for module in MODULES for route in module.ROUTES)
