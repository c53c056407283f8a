"""The set-up code: lets whoever can read the gateway's log or terminal in, until there is a password."""

import hmac
import secrets
from typing import Final

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that looks like another one."""
_GROUPS: Final = 3
_LENGTH: Final = 4


def make() -> str:
    """A new code, such as `K7QF-2MXA-RT9D`: 60 bits, so that the limit on guesses is enough."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(_GROUPS))


def same(given: str, code: str) -> bool:
    """Whether a person typed this code, with or without hyphens, in whatever case."""
    return hmac.compare_digest(_plain(given).encode("utf-8", "surrogatepass"), _plain(code).encode())


def _plain(code: str) -> str:
    return "".join(code.upper().replace("-", "").split())
