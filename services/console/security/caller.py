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
        device_of: the user who was signed in there.
    """

    address: str
    scopes: tuple["Scope", ...] = ()
    user: str = ""
    session: str = ""
    csrf: str = ""
    device: str = ""
    device_of: str = ""

    def knows(self, user: str) -> bool:
        """Whether this browser is known as that user's; to all others he is a stranger like any other."""
        return bool(self.device) and self.device_of == user

    def guesser(self, user: str) -> str:
        """Who guesses, where it guesses that user's password: a browser of his apart from others at its address."""
        return self.device if self.knows(user) else self.address

    @property
    def by(self) -> str:
        """As it stands in audit logs."""
        return f"console:{self.user or 'viewer'}"[:64] if self.scopes else "console"
