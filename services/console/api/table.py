"""Every route of the API, subject by subject."""

from typing import Final

from services.console.api import live
from services.console.api.route import Route

MODULES: Final = (live,)
"""Each has its rows as `ROUTES`."""

ROUTES: Final[tuple[Route, ...]] = tuple(route for module in MODULES for route in module.ROUTES)
