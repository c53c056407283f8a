"""Who asks, as every handler sees it."""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from services.console.api.models.session import Scope

ORDER: Final[tuple["Scope", ...]] = ("view", "read", "operate", "admin")


def scopes_up_to(scope: "Scope") -> tuple["Scope", ...]:
    """This scope with all that it includes."""
    return ORDER[: ORDER.index(scope) + 1]


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks.

    Attributes:
        address: from where.
        scopes: what may be done; empty for nobody.
        user: name, or `token:NAME`; empty for a viewer or nobody.
        session: id of the browser's session; empty for API tokens and nobody.
        csrf: that its changes have to carry.
        device: hash of the cookie of a browser that is, or once was, signed in; empty for others.
    """

    address: str
    scopes: tuple["Scope", ...] = ()
    user: str = ""
    session: str = ""
    csrf: str = ""
    device: str = ""

    @property
    def guesser(self) -> str:
        """Who guesses, where it guesses passwords: a browser that is known apart from others at its address."""
        return self.device or self.address

    @property
    def by(self) -> str:
        """As it stands in audit logs."""
        return f"console:{self.user or 'viewer'}"[:64] if self.scopes else "console"
