"""Sessions and API tokens: whose they are, whether they still let in, and when they were used last.

A session is remembered here, not in the browser: it can be ended from here at any time, and no key of ours signs
anything. Those of users are kept with the accounts; those of viewers, who had the set-up code, end with this process.
"""

import secrets
from collections.abc import Callable, Iterable
from typing import Final

from services.console.security.accounts import Accounts, SessionEntry, digest
from services.console.security.caller import Caller, scopes_up_to
from shared.tls.text import clean

LASTS_S: Final = 30 * 86_400.0
"""A user's session ends so long after it began."""
VIEWER_LASTS_S: Final = 86_400.0
MOST_VIEWERS: Final = 16
LONGEST_AGENT: Final = 120


class Sessions:
    """All that are open.

    Args:
        accounts: the file.
        wall_s: seconds since 1970.

    Attributes:
        used: hash of session or token -> when it was last used, seconds since 1970.
        on_ended: called with the hash of each session or token that ends.
    """

    def __init__(self, accounts: Accounts, wall_s: Callable[[], float]) -> None:
        self.used: dict[str, float] = {}
        self.on_ended: Callable[[str], None] = lambda _: None
        self._accounts = accounts
        self._wall = wall_s
        self._viewers: dict[str, SessionEntry] = {}

    def by_cookie(self, secret: str, address: str) -> Caller | None:
        """Whose session it is; None where it is nobody's."""
        key = digest(secret)
        entry = self._accounts.sessions.get(key) or self._viewers.get(key)
        now = self._wall()
        if entry is None or not entry.created - 86_400 <= now < entry.expires:  # a clock that was set back ends none
            return None
        user = self._accounts.users.get(entry.user)
        if entry.user and user is None:
            return None
        self.used[key] = now
        scope = "view" if user is None else user.scope
        return Caller(
            address=address,
            scopes=scopes_up_to(scope),
            user=entry.user,
            session=key,
            csrf=entry.csrf,
            device=key if entry.user else "",
            device_of=entry.user,
        )

    def nobody(self, secrets: Iterable[str], address: str) -> Caller:
        """Who is not signed in; from a browser that was, where one of its cookies is of a session that has ended."""
        sessions, past = self._accounts.sessions, self._accounts.past
        for key in map(digest, secrets):
            user = sessions[key].user if key in sessions else past.get(key)
            if user is not None:
                return Caller(address=address, device=key, device_of=user)
        return Caller(address=address)

    def by_token(self, secret: str, address: str) -> Caller | None:
        """Whose API token it is; None where it is nobody's."""
        key = digest(secret)
        entry = self._accounts.tokens.get(key)
        if entry is None or not self._accounts.scopes_of(entry):
            return None
        self.used[key] = self._wall()
        return Caller(address=address, scopes=self._accounts.scopes_of(entry), user=f"token:{entry.name}", session=key)

    def is_open(self, key: str) -> bool:
        """Whether this session or token still lets in."""
        entry = self._accounts.sessions.get(key) or self._viewers.get(key)
        return key in self._accounts.tokens or (entry is not None and self._wall() < entry.expires)

    def may_still(self, caller: Caller) -> bool:
        """Whether nothing was taken from him since he began to ask, as while the rest of his request came."""
        token = self._accounts.tokens.get(caller.session)
        return self.is_open(caller.session) if token is None else self._accounts.scopes_of(token) == caller.scopes

    def account_of(self, caller: Caller) -> str:
        """The user who answers for what the caller makes: of a program the one whose token it has."""
        token = self._accounts.tokens.get(caller.session)
        return caller.user if token is None else token.created_by

    def entry(self, caller: Caller) -> SessionEntry | None:
        """The caller's session; None for tokens and nobody."""
        return self._accounts.sessions.get(caller.session) or self._viewers.get(caller.session)

    def opened(self) -> list[SessionEntry]:
        """All that are open now."""
        now = self._wall()
        return [each for each in (*self._accounts.sessions.values(), *self._viewers.values()) if now < each.expires]

    def begin_viewer(self, address: str, agent: str) -> tuple[str, SessionEntry]:
        """A viewer's session: the secret of its cookie, and its entry; where there are too many, the oldest ends."""
        secret, entry = self.made("", address, agent)
        self._viewers[entry.hash] = entry
        if len(self._viewers) > MOST_VIEWERS:
            self.end_viewer(next(iter(self._viewers)))
        return secret, entry

    def end_viewer(self, key: str) -> bool:
        """End it at once, if it is a viewer's."""
        if self._viewers.pop(key, None) is None:
            return False
        self.ended(key)
        return True

    def end_viewers(self) -> None:
        """There is a password now."""
        for key in tuple(self._viewers):
            self.end_viewer(key)

    def ended(self, key: str) -> None:
        """A session or token is open no more: tell it."""
        self.used.pop(key, None)
        self.on_ended(key)

    def made(self, user: str, address: str, agent: str) -> tuple[str, SessionEntry]:
        """A new one, a viewer's where no user is named; not open yet. The secret of its cookie, and its entry."""
        secret, now = secrets.token_urlsafe(32), self._wall()
        return secret, SessionEntry(
            id=secrets.token_hex(8),
            hash=digest(secret),
            csrf=secrets.token_urlsafe(24),
            user=user,
            address=address,
            agent=clean(agent, LONGEST_AGENT),
            created=now,
            expires=now + (LASTS_S if user else VIEWER_LASTS_S),
        )
