"""Who comes in: by the set-up code, by a password, by the cookie of a session, by an API token.

A session is remembered here, not in the browser: it can be ended from here at any time, and no key of ours signs
anything. Whatever changes is in the audit log before it is done, and on the disk before it is told.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from services.console.api.errors import ApiError, conflict, signed_out
from services.console.api.models.session import PasswordChange
from services.console.security import setup_code
from services.console.security.accounts import Accounts, SessionEntry, UserEntry, digest
from services.console.security.attempts import Attempts
from services.console.security.caller import Caller, scopes_up_to
from services.console.security.passwords import Hasher
from shared.tls.text import clean

LASTS_S: Final = 30 * 86_400.0
"""A user's session ends so long after it began."""
VIEWER_LASTS_S: Final = 86_400.0
MOST_VIEWERS: Final = 16
LONGEST_AGENT: Final = 120

Note = Callable[[Caller, str, str, str], None]
"""Writes what, to what, with which result, into the audit log; raises RefusedError where it cannot."""


class Door:
    """Sessions and passwords.

    Args:
        accounts: the file.
        note: audit log.
        hasher: of passwords.
        wall_s: seconds since 1970.
        now_s: of a clock that never jumps, seconds.

    Attributes:
        accounts: as given.
        code: the set-up code; empty once there is a user, or while the file is damaged.
        used: hash of session or token -> when it was last used, seconds since 1970.
        on_ended: called with the hash of each session or token that ends.
    """

    def __init__(
        self,
        accounts: Accounts,
        note: Note,
        hasher: Hasher | None = None,
        wall_s: Callable[[], float] = time.time,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accounts = accounts
        self.code = "" if accounts.users or accounts.fault else setup_code.make()
        self.used: dict[str, float] = {}
        self.on_ended: Callable[[str], None] = lambda _: None
        self._note = note
        self._hasher = hasher or Hasher()
        self._wall = wall_s
        self._now = now_s
        self._viewers: dict[str, SessionEntry] = {}
        self._attempts = Attempts()
        self._changing = asyncio.Lock()

    def by_cookie(self, secret: str, address: str) -> Caller | None:
        """Whose session it is; None where it is nobody's."""
        key = digest(secret)
        entry = self.accounts.sessions.get(key) or self._viewers.get(key)
        now = self._wall()
        if entry is None or not entry.created - 86_400 <= now < entry.expires:  # a clock that was set back ends none
            return None
        user = self.accounts.users.get(entry.user)
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
        sessions, past = self.accounts.sessions, self.accounts.past
        for key in map(digest, secrets):
            user = sessions[key].user if key in sessions else past.get(key)
            if user is not None:
                return Caller(address=address, device=key, device_of=user)
        return Caller(address=address)

    def by_token(self, secret: str, address: str) -> Caller | None:
        """Whose API token it is; None where it is nobody's."""
        key = digest(secret)
        entry = self.accounts.tokens.get(key)
        if entry is None or not self.accounts.scopes_of(entry):
            return None
        self.used[key] = self._wall()
        return Caller(address=address, scopes=self.accounts.scopes_of(entry), user=f"token:{entry.name}", session=key)

    def is_open(self, key: str) -> bool:
        """Whether this session or token still lets in."""
        entry = self.accounts.sessions.get(key) or self._viewers.get(key)
        return key in self.accounts.tokens or (entry is not None and self._wall() < entry.expires)

    def may_still(self, caller: Caller) -> bool:
        """Whether nothing was taken from him since he began to ask, as while the rest of his request came."""
        token = self.accounts.tokens.get(caller.session)
        return self.is_open(caller.session) if token is None else self.accounts.scopes_of(token) == caller.scopes

    def account_of(self, caller: Caller) -> str:
        """The user who answers for what the caller makes: of a program the one whose token it has."""
        token = self.accounts.tokens.get(caller.session)
        return caller.user if token is None else token.created_by

    def entry(self, caller: Caller) -> SessionEntry | None:
        """The caller's session; None for tokens and nobody."""
        return self.accounts.sessions.get(caller.session) or self._viewers.get(caller.session)

    def by_code(self, caller: Caller, code: str, agent: str) -> tuple[str, SessionEntry]:
        """A viewer's session: the secret of its cookie, and its entry.

        Raises:
            ApiError: it is the wrong code, or there is none any more.
        """
        if not self.code:
            raise ApiError(HTTPStatus.CONFLICT, "no_code", "a password is set: sign in with it")
        self._attempts.check(caller.address, self._now())
        if not setup_code.same(code, self.code):
            raise ApiError(
                HTTPStatus.UNAUTHORIZED, "wrong_code", "this is not the code that metergate printed last", "code"
            )
        self._attempts.forgive(caller.address)
        secret, entry = self._made("", caller.address, agent, VIEWER_LASTS_S)
        self._viewers[entry.hash] = entry
        while len(self._viewers) > MOST_VIEWERS:
            self._end_viewer(next(iter(self._viewers)))
        return secret, entry

    async def sign_in(self, caller: Caller, name: str, password: str, agent: str) -> tuple[str, SessionEntry]:
        """A user's session: the secret of its cookie, and its entry.

        Raises:
            ApiError: user and password do not fit, or were tried too often.
            RefusedError: it cannot be written.
        """
        self._usable()
        self._attempts.check(caller.guesser(name), self._now())
        user = self.accounts.users.get(name)
        fits = await self._fits(password, name, caller)
        nobody = Caller(address=caller.address)
        if user is None or not fits:
            self._note(nobody, "session.refused", clean(name, 64), "wrong user or password")
            raise _wrong_password()
        self._attempts.forgive(caller.guesser(name))
        self._note(nobody, "session.begun", user.name, "signed in")
        return await self._begin(user, caller.address, agent)

    async def set_password(self, caller: Caller, change: PasswordChange, agent: str) -> tuple[str, SessionEntry]:
        """The first password, or another one; all sessions of the user end, and a new one begins.

        His API tokens stay, since programs live by them, unless the change says that they end too.

        Raises:
            ApiError: it is not the caller's to set, or the current one is wrong.
            RefusedError: it cannot be written.
        """
        self._usable()
        known = self.accounts.users.get(caller.user)
        if known is None and (self.accounts.users or self.entry(caller) is None):
            raise ApiError(HTTPStatus.FORBIDDEN, "not_allowed", "sign in as the user whose password it is")
        if known is not None:
            self._attempts.check(caller.guesser(known.name), self._now())
            if not await self._fits(change.current, known.name, caller):
                raise ApiError(HTTPStatus.FORBIDDEN, "wrong_password", "the current password is another one", "current")
            self._attempts.forgive(caller.guesser(known.name))
        kept = await self._hasher.make(change.new)
        async with self._changing:
            if known is None and self.accounts.users:  # somebody was faster
                raise ApiError(HTTPStatus.CONFLICT, "no_code", "a password is set already: sign in with it")
            if known is not None and (self.accounts.users.get(known.name) != known or self.entry(caller) is None):
                raise conflict("this user was changed by somebody else just now; nothing was changed here")
            name = change.user if known is None else known.name
            gone = f"; API tokens removed: {self.accounts.tokens_of(name)}" if change.revoke_tokens else ""
            self._note(caller, "password.set", name, "set" if known is None else f"changed{gone}")
            user = (
                UserEntry(name=name, password=kept, scope="admin", created=self._wall())
                if known is None
                else replace(known, password=kept)
            )
            await self.save(lambda: self._put(user, revoke_tokens=change.revoke_tokens))
        self.code = ""
        for key in tuple(self._viewers):
            self._end_viewer(key)
        return await self._begin(user, caller.address, agent)

    async def hashed(self, password: str) -> str:
        """As it is kept."""
        return await self._hasher.make(password)

    async def end(self, caller: Caller, key: str) -> None:
        """End one session at once, durably where it is a user's.

        Raises:
            RefusedError: it cannot be written.
        """
        if key in self._viewers:
            self._end_viewer(key)
            return
        entry = self.accounts.sessions[key]
        self._note(caller, "session.ended", entry.user, entry.id)
        async with self._changing:
            await self.save(lambda: self.accounts.drop(lambda each: each.hash == key))

    def sessions(self) -> list[SessionEntry]:
        """All that are open now."""
        now = self._wall()
        return [each for each in (*self.accounts.sessions.values(), *self._viewers.values()) if now < each.expires]

    async def change(
        self, caller: Caller, what: str, target: str, do: Callable[[], None], check: Callable[[], None] = lambda: None
    ) -> None:
        """Any other change of the accounts: checked, noted, done, durable; no other one comes between.

        Args:
            caller: who wants it.
            what: for the audit log.
            target: for the audit log.
            do: the change.
            check: raises where it may not be done.

        Raises:
            RefusedError: it cannot be noted or written; nothing was changed.
        """
        self._usable()
        async with self._changing:
            if caller.session and not self.may_still(caller):
                raise signed_out()
            check()
            self._note(caller, what, target, "done")
            await self.save(do)

    async def save(self, do: Callable[[], None]) -> None:
        """Do it and write the file, or leave everything as it was. The caller holds the lock."""
        accounts = self.accounts
        before = accounts.kept()
        do()
        now = self._wall()
        accounts.drop(lambda each: each.expires <= now)
        try:
            await asyncio.to_thread(accounts.write, accounts.content())
        except BaseException:
            accounts.restore(before)
            raise
        for key in {*before.tokens, *before.sessions} - {*accounts.tokens, *accounts.sessions}:
            self.used.pop(key, None)
            self.on_ended(key)

    async def _fits(self, password: str, name: str, caller: Caller) -> bool:
        user = self.accounts.users.get(name)
        try:
            kept = None if user is None else user.password
            return await self._hasher.matches(password, kept, known=caller.knows(name))
        except ApiError:  # too many wait: it was not looked at
            self._attempts.forgive(caller.guesser(name))
            raise

    async def _begin(self, user: UserEntry, address: str, agent: str) -> tuple[str, SessionEntry]:
        secret, entry = self._made(user.name, address, agent, LASTS_S)
        async with self._changing:
            if self.accounts.users.get(user.name) != user:  # it was changed while this password was looked at
                raise _wrong_password()
            await self.save(lambda: self.accounts.add(entry))
        return secret, entry

    def _made(self, user: str, address: str, agent: str, lasts_s: float) -> tuple[str, SessionEntry]:
        secret, now = secrets.token_urlsafe(32), self._wall()
        return secret, SessionEntry(
            id=secrets.token_hex(8),
            hash=digest(secret),
            csrf=secrets.token_urlsafe(24),
            user=user,
            address=address,
            agent=clean(agent, LONGEST_AGENT),
            created=now,
            expires=now + lasts_s,
        )

    def _put(self, user: UserEntry, *, revoke_tokens: bool) -> None:
        self.accounts.users[user.name] = user
        self.accounts.drop_sessions(user.name)
        if revoke_tokens:
            self.accounts.drop_tokens(user.name)

    def _end_viewer(self, key: str) -> None:
        del self._viewers[key]
        self.used.pop(key, None)
        self.on_ended(key)

    def _usable(self) -> None:
        if self.accounts.fault:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "damaged", self.accounts.fault)


def _wrong_password() -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, "wrong_password", "user and password do not fit", "password")
