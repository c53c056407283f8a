"""Who comes in, by the set-up code or a password, and what changes who may: users, passwords, tokens, sessions.

Whatever changes is in the audit log before it is done, and on the disk before it is told.
"""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus

from msgspec.structs import replace

from services.console.api.errors import ApiError, conflict, signed_out
from services.console.api.models.session import PasswordChange
from services.console.security import setup_code
from services.console.security.accounts import Accounts, SessionEntry, UserEntry
from services.console.security.attempts import Attempts
from services.console.security.caller import Caller
from services.console.security.passwords import Hasher
from services.console.security.sessions import Sessions
from shared.tls.text import clean

Note = Callable[[Caller, str, str, str], None]
"""Writes what, to what, with which result, into the audit log; raises RefusedError where it cannot."""


class Door:
    """Lets in, and changes the accounts.

    Args:
        accounts: the file.
        note: audit log.
        hasher: of passwords.
        wall_s: seconds since 1970.
        now_s: of a clock that never jumps, seconds.

    Attributes:
        accounts: as given.
        code: the set-up code; empty once there is a user, or while the file is damaged.
        sessions: what is open.
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
        self.sessions = Sessions(accounts, wall_s)
        self._note = note
        self._hasher = hasher or Hasher()
        self._wall = wall_s
        self._now = now_s
        self._attempts = Attempts()
        self._changing = asyncio.Lock()

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
        return self.sessions.begin_viewer(caller.address, agent)

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
        if known is None and (self.accounts.users or self.sessions.entry(caller) is None):
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
            if known is not None and (
                self.accounts.users.get(known.name) != known or self.sessions.entry(caller) is None
            ):
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
        self.sessions.end_viewers()
        return await self._begin(user, caller.address, agent)

    async def hashed(self, password: str) -> str:
        """As it is kept."""
        return await self._hasher.make(password)

    async def end(self, caller: Caller, key: str) -> None:
        """End one session at once, durably where it is a user's.

        Raises:
            RefusedError: it cannot be written.
        """
        if self.sessions.end_viewer(key):
            return
        entry = self.accounts.sessions[key]
        self._note(caller, "session.ended", entry.user, entry.id)
        async with self._changing:
            await self.save(lambda: self.accounts.drop(lambda each: each.hash == key))

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
            if caller.session and not self.sessions.may_still(caller):
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
            self.sessions.ended(key)

    async def _fits(self, password: str, name: str, caller: Caller) -> bool:
        user = self.accounts.users.get(name)
        try:
            kept = None if user is None else user.password
            return await self._hasher.matches(password, kept, known=caller.knows(name))
        except ApiError:  # too many wait: it was not looked at
            self._attempts.forgive(caller.guesser(name))
            raise

    async def _begin(self, user: UserEntry, address: str, agent: str) -> tuple[str, SessionEntry]:
        secret, entry = self.sessions.made(user.name, address, agent)
        async with self._changing:
            if self.accounts.users.get(user.name) != user:  # it was changed while this password was looked at
                raise _wrong_password()
            await self.save(lambda: self.accounts.add(entry))
        return secret, entry

    def _put(self, user: UserEntry, *, revoke_tokens: bool) -> None:
        self.accounts.users[user.name] = user
        self.accounts.drop_sessions(user.name)
        if revoke_tokens:
            self.accounts.drop_tokens(user.name)

    def _usable(self) -> None:
        if self.accounts.fault:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "damaged", self.accounts.fault)


def _wrong_password() -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, "wrong_password", "user and password do not fit", "password")
