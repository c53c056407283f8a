"""Who is asking: the browser's session, users, API tokens."""

from typing import Annotated, Literal

from msgspec import Meta

from services.console.api.models.common import Answer, Ask, Words

Scope = Literal["view", "read", "operate", "admin"]
"""`view` live values only (the set-up code), `read` see everything, `operate` restart roles, disconnect and pause
clients, test slaves; `admin` everything else. Each includes those before it."""
UserName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
Password = Annotated[str, Meta(min_length=1, max_length=256)]
NewPassword = Annotated[str, Meta(min_length=8, max_length=256)]


class Gateway(Answer, frozen=True, kw_only=True):
    """What this metergate is.

    Attributes:
        version: of metergate.
        host: name of the machine.
        https: whether this page came encrypted.
        simulated: whether the values of any meter are invented; then the page says SIMULATION.
        fingerprint: SHA-256 of the page's own https certificate, hex; empty without https.
        time: wall clock of the gateway.
    """

    version: str
    host: str
    https: bool
    simulated: bool
    fingerprint: str = ""
    time: str = ""


class Session(Answer, frozen=True, kw_only=True):
    """Answer of GET /session, which everybody may ask.

    Attributes:
        state: `none` nobody is signed in, `viewer` came with the set-up code, `user` signed in with a password.
        password_set: false until the first password is set: then only the set-up code lets in.
        trouble: why nobody can sign in (the users file is damaged), in words; empty where all is well.
        user: name; empty for `none` and `viewer`.
        scopes: what may be done.
        csrf: for the header `X-Metergate-Token` of every change; empty for `none`.
        expires: when this session ends by itself.
        gateway: what this metergate is; null for `none`.
    """

    state: Literal["none", "viewer", "user"]
    password_set: bool
    trouble: Words = ""
    user: str = ""
    scopes: tuple[Scope, ...] = ()
    csrf: str = ""
    expires: str = ""
    gateway: Gateway | None = None


class Code(Ask, frozen=True, kw_only=True):
    """POST /session/code: the set-up code that was printed to the log, with or without its hyphens.

    The answer is the new Session (state `viewer`), with its cookie.
    """

    code: Annotated[str, Meta(min_length=1, max_length=64)]


class SignIn(Ask, frozen=True, kw_only=True):
    """POST /session. The answer is the new Session with its cookie."""

    user: UserName
    password: Password


class PasswordChange(Ask, frozen=True, kw_only=True):
    """PUT /password: the first password (by a viewer, who becomes the user `user`), or another one for oneself.

    All other sessions of that user end. The answer is the new Session, with another cookie and csrf.

    Attributes:
        new: at least 8 characters.
        current: needed where there is one.
        user: name of the first user; only for the first password.
        revoke_tokens: his API tokens end too. They stay otherwise, since programs live by them; DELETE /tokens/{id}
            removes one.
    """

    new: NewPassword
    current: Annotated[str, Meta(max_length=256)] = ""
    user: UserName = "owner"
    revoke_tokens: bool = False


class OpenSession(Answer, frozen=True, kw_only=True):
    """A session that may be ended from here.

    Attributes:
        id: for DELETE /sessions/{id}; not the cookie.
        user: name; empty for a viewer.
        address: from which it was opened.
        agent: what its browser called itself, at most 120 characters, only ever to be shown as text.
        created, used, expires: times; `used` is exact to a minute.
        own: whether it is the one that asks.
    """

    id: str
    user: str
    address: str
    agent: str
    created: str
    used: str
    expires: str
    own: bool = False


class OpenSessions(Answer, frozen=True, kw_only=True):
    """GET /sessions."""

    sessions: tuple[OpenSession, ...]


class User(Answer, frozen=True, kw_only=True):
    """Somebody with a password."""

    name: str
    scopes: tuple[Scope, ...]
    created: str
    own: bool = False


class Users(Answer, frozen=True, kw_only=True):
    """GET /users."""

    users: tuple[User, ...]


class NewUser(Ask, frozen=True, kw_only=True):
    """POST /users: another user, or for an existing name a new password and scope, which ends its sessions.

    Attributes:
        name: of the user.
        password: at least 8 characters.
        scope: what he may; his API tokens never may more.
        revoke_tokens: of an existing user: his API tokens end too.
    """

    name: UserName
    password: NewPassword
    scope: Literal["read", "operate", "admin"] = "read"
    revoke_tokens: bool = False


class Token(Answer, frozen=True, kw_only=True):
    """An API token; its secret is not kept and cannot be shown again.

    Attributes:
        id: for DELETE /tokens/{id}.
        name: that its owner gave it.
        scopes: what may be done with it.
        created, used: times; `used` since the start of the console, exact to a minute; empty for not yet.
        created_by: user who made it, and who answers for it: it goes with him, and never may more than he.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created: str
    created_by: str
    used: str = ""


class Tokens(Answer, frozen=True, kw_only=True):
    """GET /tokens."""

    tokens: tuple[Token, ...]


class NewToken(Ask, frozen=True, kw_only=True):
    """POST /tokens."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    scope: Literal["read", "operate", "admin"] = "read"


class MadeToken(Answer, frozen=True, kw_only=True):
    """The answer: the token with its secret, which is shown this once. Use: `Authorization: Bearer mg_...`."""

    token: Token
    secret: str
