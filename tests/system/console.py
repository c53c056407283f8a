"""The console of a running gateway as a program sees it: HTTP by the standard library, API tokens."""

import contextlib
import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support import free_port, is_listening, wait_for
from tests.system.tls import NIGHT, TlsGateway

PASSWORD: Final = "correct horse battery staple"
PATIENCE_S: Final = 30.0
_NONE: Final[Mapping[str, str]] = {}


class Said(NamedTuple):
    """An answer; `body` is JSON where it is that, else text."""

    status: int
    body: Any

    @property
    def error(self) -> str:
        """The words of a refusal."""
        return str(self.body["error"]["text"])


class Api:
    """Requests with one API token.

    Args:
        port: of the console.
        token: sent as bearer; empty for none.
    """

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self._token = token

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] = _NONE) -> Said:
        """One request to /api/v1."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        known = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1{path}", content, {**known, **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return Said(answer.status, json.loads(text) if is_json else text)
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """What is there; a refusal fails the test."""
        said = self.ask("GET", path)
        assert said.status == 200, said
        return said.body

    def do(self, method: str, path: str, body: object = None) -> Any:
        """Have something done; a refusal fails the test."""
        said = self.ask(method, path, body)
        assert said.status in {200, 201}, said
        return said.body

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """An answer that goes on; ended with the block."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        try:
            connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {self._token}"})
            with connection.getresponse() as answer:
                assert answer.status == 200, answer.read()
                yield answer
        finally:
            connection.close()

    @contextlib.contextmanager
    def following(self, topics: str) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        """Topic and data of server-sent events, as they come, from when this returns on."""
        with self.reading(f"/stream?topics={topics}") as answer:
            answer.readline()
            yield _events(answer)


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    topic = ""
    while line := answer.readline().decode():
        if line.startswith("event: "):
            topic = line.removeprefix("event: ").strip()
        elif line.startswith("data: "):
            yield topic, json.loads(line.removeprefix("data: "))


class ConsoleGateway(TlsGateway):
    """A gateway with TLS and its console.

    Attributes:
        console_port: of the page.
        admin: may everything.
    """

    def __init__(self, folder: Path, meter: str = NIGHT, slave: str = "", more: str = "") -> None:
        self.console_port = free_port()
        self.admin = Api(self.console_port)
        super().__init__(folder, meter, slave, f"[console]\nport = {self.console_port}\n{more}")

    def start(self) -> None:
        """`metergate up`, and the first password; returns when all is ready."""
        super().start()
        wait_for(lambda: is_listening(self.console_port), "the console")
        origin = {"Origin": f"http://127.0.0.1:{self.console_port}"}
        code = json.loads(next(line for line in self.process.output.splitlines() if '"code"' in line))["code"]
        viewer = self._signed("POST", "/session/code", {"code": code}, origin)
        self._owner = self._signed("PUT", "/password", {"new": PASSWORD}, viewer)
        self.admin = self.token("admin")

    def token(self, scope: str) -> Api:
        """Somebody with an API token of that scope."""
        made = Api(self.console_port).ask("POST", "/tokens", {"name": f"a {scope}", "scope": scope}, self._owner)
        assert made.status in {200, 201}, made
        return Api(self.console_port, made.body["secret"])

    def _signed(self, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, str]:
        """Headers of the session that this request opens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.console_port, timeout=PATIENCE_S)
        try:
            connection.request(method, f"/api/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
            assert answer.status == 200, content
            cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
        finally:
            connection.close()
        return {"Origin": headers["Origin"], "Cookie": cookie, "X-Metergate-Token": content["csrf"]}
