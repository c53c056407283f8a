"""`state_dir/console/users.json`: users, API tokens and open sessions. Written whole and durably, or not at all.

Passwords stand there as scrypt, secrets of tokens and sessions as SHA-256: who reads the file can sign in by nothing in
it. A damaged file lets nobody in and stays where it is, until its owner puts a backup in its place or removes it.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from services.console.api.models.session import Scope
from services.console.security.caller import scopes_up_to
from shared import durable
from shared.errors import RefusedError

FORMAT: Final = "metergate-users/1"
MOST_USERS: Final = 32
MOST_TOKENS: Final = 64
MOST_SESSIONS: Final = 16
"""Of each user: nobody ends another's by signing in again and again."""
MOST_PAST: Final = 16
"""Browsers of each user whose session has ended and who are still told from strangers."""


class UserEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A user; `created` in seconds since 1970."""

    name: str
    password: str
    scope: Scope
    created: float


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An API token; `hash` is the SHA-256 of its secret."""

    id: str
    name: str
    hash: str
    scope: Scope
    created: float
    created_by: str


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in; `hash` is the SHA-256 of its cookie. Without a user it came with the set-up code."""

    id: str
    hash: str
    csrf: str
    user: str
    address: str
    agent: str
    created: float
    expires: float


class _File(msgspec.Struct, kw_only=True):
    format: str
    users: list[UserEntry]
    tokens: list[TokenEntry]
    sessions: list[SessionEntry]
    devices: dict[str, str] = {}


class Kept(NamedTuple):
    """What `Accounts` held at some time."""

    users: dict[str, UserEntry]
    tokens: dict[str, TokenEntry]
    sessions: dict[str, SessionEntry]
    past: dict[str, str]


class Accounts:
    """The file, and what is in it.

    Args:
        folder: `state_dir/console`.

    Attributes:
        path: of the file.
        users: name -> user.
        tokens: hash -> token.
        sessions: hash -> session of a user.
        past: hash of a session that has ended -> its user, the latest last.
        fault: why the file cannot be used; then all are empty and nothing is written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "users.json"
        self.users: dict[str, UserEntry] = {}
        self.tokens: dict[str, TokenEntry] = {}
        self.sessions: dict[str, SessionEntry] = {}
        self.past: dict[str, str] = {}
        self.fault = ""
        self._load()

    def add(self, session: SessionEntry) -> None:
        """One more; the oldest of the same user end where he has too many."""
        self.sessions[session.hash] = session
        own = [key for key, each in self.sessions.items() if each.user == session.user]
        oldest = frozenset(own[:-MOST_SESSIONS])
        self.drop(lambda each: each.hash in oldest)

    def drop(self, which: Callable[[SessionEntry], bool]) -> None:
        """End sessions; their browsers are known on, see `Attempts`."""
        for key in [key for key, each in self.sessions.items() if which(each)]:
            self.past[key] = self.sessions.pop(key).user
        of_user: dict[str, list[str]] = {user: [] for user in self.users}
        for key, user in self.past.items():
            of_user.get(user, []).append(key)
        kept = {key for keys in of_user.values() for key in keys[-MOST_PAST:]}
        self.past = {key: user for key, user in self.past.items() if key in kept}

    def drop_sessions(self, user: str) -> None:
        """End all sessions of a user."""
        self.drop(lambda each: each.user == user)

    def scopes_of(self, token: TokenEntry) -> tuple[Scope, ...]:
        """What may be done with it: nobody may more by a program than himself."""
        owner = self.users.get(token.created_by)
        return () if owner is None else min(scopes_up_to(token.scope), scopes_up_to(owner.scope), key=len)

    def tokens_of(self, user: str) -> str:
        """Names of the API tokens that a user made, in words."""
        return ", ".join(each.name for each in self.tokens.values() if each.created_by == user) or "none"

    def drop_tokens(self, user: str) -> None:
        """Remove them."""
        self.tokens = {key: each for key, each in self.tokens.items() if each.created_by != user}

    def kept(self) -> "Kept":
        """All as it is now, to restore it."""
        return Kept(dict(self.users), dict(self.tokens), dict(self.sessions), dict(self.past))

    def restore(self, before: "Kept") -> None:
        """As it was."""
        self.users, self.tokens, self.sessions, self.past = before

    def content(self) -> bytes:
        """What the file has to hold now."""
        held = _File(
            format=FORMAT,
            users=list(self.users.values()),
            tokens=list(self.tokens.values()),
            sessions=list(self.sessions.values()),
            devices=self.past,
        )
        body = msgspec.json.format(msgspec.json.encode(held), indent=1)
        return body + b"\n" + _checksum(body) + b"\n"

    def write(self, content: bytes) -> None:
        """Replace the file; durable when this returns. Blocks.

        Raises:
            RefusedError: the disk refused, or the file is damaged.
        """
        if self.fault:
            raise RefusedError(self.fault)
        try:
            durable.replace(self.path, content)
        except OSError as error:
            raise RefusedError(f"{self.path} cannot be written ({error.strerror}); nothing was changed") from error

    def _load(self) -> None:
        try:
            held = _decoded(self.path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.fault = (
                f"{self.path} cannot be used ({reason}): nobody can sign in. Put a backup in its place, or move it "
                "away to start over with a new set-up code; then `metergate restart console`"
            )
            return
        self.users = {each.name: each for each in held.users}
        self.tokens = {each.hash: each for each in held.tokens}
        self.sessions = {each.hash: each for each in held.sessions if each.user in self.users}
        self.past = held.devices


def digest(secret: str) -> str:
    """How a secret of ours, which nobody could guess, is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _decoded(content: bytes) -> Any:
    body, _, checksum = content.rstrip(b"\n").rpartition(b"\n")
    if _checksum(body) != checksum:
        raise ValueError("its checksum is wrong")
    held = msgspec.json.decode(body, type=_File)
    if held.format != FORMAT:
        raise ValueError(f"its format is {held.format!r}, not {FORMAT!r}")
    return held
