"""A console without processes: a bus that the test plays, and requests that come over no network."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import structlog

from services.console.actor import site_of
from services.console.api.desk import Desk
from services.console.app import application
from services.console.hear.hear import Hear
from services.console.in_force import InForce
from services.console.security.guard import Guard
from services.console.security.hosts import Hosts
from services.console.security.passwords import Hasher
from shared import clock
from shared.actor import Life
from shared.bus.messages import Message, Sample, SourceState
from shared.bus.publisher import Stamp
from shared.config.load import load

if TYPE_CHECKING:
    from shared.bus.bus import Bus

SETTINGS = """
[[meter]]
id = "house"
source = "simulated"
[slave]
port = 1502
"""
HOST = "127.0.0.1:8080"
ORIGIN = f"http://{HOST}"
PASSWORD = "correct horse"
CHEAP = 2
"""Cost of a password's hash in tests."""


class FakeBus:
    """Keeps what is published, who subscribes, and which commands were given.

    Attributes:
        answers: (instance, verb) -> result, or the error that is raised.
        calls: instance, verb, args.
    """

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.handlers: dict[tuple[str, type[Message]], Callable[[Any], None]] = {}
        self.answers: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        return Stamp(src="console", gen=1, seq=len(self.published) + 1)

    def publish(self, message: Message, _key: str = "") -> None:
        self.published.append(message)

    def subscribe(
        self, instance: str, kind: type[Message], handler: Callable[[Any], None], key: str = "", *, every: bool = False
    ) -> None:
        del key, every
        self.handlers[instance, kind] = handler

    async def call(self, instance: str, verb: str, args: dict[str, Any], _timeout_s: float = 1.0) -> dict[str, Any]:
        self.calls.append((instance, verb, args))
        answer = self.answers[instance, verb]
        if isinstance(answer, Exception):
            raise answer
        return cast("dict[str, Any]", answer)


class Answer(NamedTuple):
    """What came back; `body` is JSON where it is that, else text."""

    status: int
    headers: dict[str, str]
    body: Any


class Bench:
    """A desk, and requests to it as a browser or a program sends them.

    Args:
        folder: of settings and state.
        settings: content of the file.

    Attributes:
        bus, desk: what there is.
        cookie, csrf, token: sent along where they are set.
    """

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        self.file = folder / "metergate.toml"
        self.file.write_text(settings, encoding="utf-8")
        self.bus = FakeBus()
        environ = {"METERGATE_CONFIG": str(self.file)}
        self.life = Life(
            instance="console",
            config=load(self.file, environ),
            bus=cast("Bus", self.bus),
            log=structlog.wrap_logger(structlog.ReturnLogger()),
        )
        console = self.life.config.console
        site = site_of(console, "")
        self.hear = Hear(self.life, InForce(self.life.config, environ))
        self.desk = Desk(self.life, self.hear, site)
        self.door = self.desk.door
        self.door._hasher = Hasher(CHEAP)
        hosts = Hosts(console.names)
        self.app = Guard(application(self.desk), self.door.sessions, hosts, site.cookie, https=console.https)
        self.cookie = self.csrf = self.token = ""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        address: str = "127.0.0.1",
        api: bool = True,
        late: asyncio.Event | None = None,
    ) -> Answer:
        """One request; `body` is sent as JSON, bytes as they are, and not before `late` where it is given."""
        sent: list[dict[str, Any]] = []
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        known = {"host": HOST, "content-length": str(len(content))}
        if method != "GET" and not self.token:
            known["origin"] = ORIGIN
        if self.token:
            known["authorization"] = f"Bearer {self.token}"
        elif self.cookie:
            known |= {"cookie": f"{self.desk.site.cookie}={self.cookie}", "x-metergate-token": self.csrf}
        known = {name: value for name, value in {**known, **(headers or {})}.items() if value}
        path, _, query = path.partition("?")
        whole = f"/api/v1{path}" if api else path
        asked = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if late is not None:
                await late.wait()
            if not asked:
                await asyncio.Event().wait()  # for ever
            return asked.pop()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": whole,
            "raw_path": whole.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in known.items()],
            "client": (address, 50000),
            "server": ("127.0.0.1", 8080),
            "state": {"abort": lambda: None},
        }
        await self.app(scope, receive, send)
        got = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        data = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(
            sent[0]["status"],
            got,
            json.loads(data) if got.get("content-type") == "application/json" else data.decode(errors="replace"),
        )

    def keep(self, answer: Answer) -> Answer:
        """Be signed in as the answer says."""
        self.cookie = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
        self.csrf = answer.body["csrf"]
        return answer

    async def sign_up(self) -> Answer:
        """By the set-up code and a first password."""
        self.keep(await self.ask("POST", "/session/code", {"code": self.door.code}))
        return self.keep(await self.ask("PUT", "/password", {"new": PASSWORD}))

    def measure(self, seq: int = 1, *, meter: str = "house", age_ns: int = 0, **values: float) -> Sample:
        """A sample as measurement sends it."""
        sample = Sample(
            src="measurement",
            gen=1,
            seq=seq,
            t_ns=clock.now_ns() - age_ns,
            meter=meter,
            values={"active_power": 1000.0, **values},
            source="simulated",
            simulated=True,
            period_ms=200,
        )
        self.hear.known.take_sample(sample)
        return sample

    def answers(self, *, connected: bool, reason: str = "", seq: int = 1, polls: int = 0, failures: int = 0) -> None:
        """The meter answers, or does not."""
        self.hear.known.take_source(
            SourceState(
                src="measurement",
                gen=1,
                seq=seq,
                t_ns=clock.now_ns(),
                meter="house",
                connected=connected,
                reason=reason,
                polls=polls,
                failures=failures,
            )
        )
