"""Passwords are kept as scrypt, which costs whoever steals the file 16 MiB and a quarter of a second for each guess.

The same it costs us: hashes are made one after the other, and few may wait, so that a flood of guesses takes neither
the memory nor the event loop.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from services.console.api.errors import ApiError

T = TypeVar("T")

N: Final = 2**14
R: Final = 8
P: Final = 5
_LENGTH: Final = 32
_MEMORY: Final = 64 * 1024 * 1024
MOST_WAITING: Final = 8
MOST_KNOWN_WAITING: Final = 4
"""Besides, browsers that are known: however many strangers guess, they are looked at."""


def make(password: str, n: int = N, r: int = R, p: int = P) -> str:
    """`scrypt$n$r$p$salt$hash`, the last two in base64. Blocks for a quarter of a second."""
    salt = secrets.token_bytes(16)
    return f"scrypt${n}${r}${p}${_text(salt)}${_text(_derive(password, salt, n, r, p))}"


def matches(password: str, kept: str) -> bool:
    """Whether it is the password. Blocks as `make`.

    Raises:
        ValueError: `kept` is no such text.
    """
    kind, n, r, p, salt, derived = kept.split("$")
    if kind != "scrypt":
        raise ValueError(f"{kind!r} is not scrypt")
    found = _derive(password, base64.b64decode(salt, validate=True), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(derived, validate=True))


class Hasher:
    """Makes and compares, one at a time, in a thread."""

    def __init__(self, n: int = N) -> None:
        self._n = n
        self._one = asyncio.Lock()
        self._waiting = 0
        self._nobody = ""

    async def make(self, password: str) -> str:
        """See the function.

        Raises:
            ApiError: too many wait.
        """
        return await self._in_turn(lambda: make(password, self._n))

    async def matches(self, password: str, kept: str | None, *, known: bool = False) -> bool:
        """See the function; for a user whom there is not, the same time passes and nothing matches.

        Args:
            password: that was given.
            kept: of the user; None where there is none of that name.
            known: whether it comes from a browser that was signed in before.
        """

        def compare() -> bool:
            if kept is None:
                self._nobody = self._nobody or make(secrets.token_urlsafe(), self._n)
            return matches(password, kept or self._nobody) and kept is not None

        return await self._in_turn(compare, MOST_WAITING + MOST_KNOWN_WAITING if known else MOST_WAITING)

    async def _in_turn(self, work: Callable[[], T], most: int = MOST_WAITING) -> T:
        if self._waiting >= most:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "busy",
                "too many passwords are being tried; try again in a few seconds",
                headers={"retry-after": "5"},
            )
        self._waiting += 1
        try:
            async with self._one:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=_LENGTH
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
