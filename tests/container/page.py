"""The console as a browser would use it, over https, with nothing but the standard library. For `verify.sh`.

page.py HOST PORT session                       prints the state of who asks: none, viewer, user
page.py HOST PORT set CODE KEY VALUE            with the set-up code and a first password, sets a key; prints what came
page.py HOST PORT again KEY VALUE               the same by the password
"""

# ruff: noqa: INP001, T201  # a program beside the package, which prints what it saw
import http.client
import json
import ssl
import sys
from typing import Any, Final

PASSWORD: Final = "for the verification"


class Visitor:
    """Requests; the server is not verified, since its certificate is its own."""

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)
        self._headers = {"Origin": f"https://{host}:{port}"}

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON."""
        settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        settings.check_hostname = False
        settings.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(*self._place, timeout=30, context=settings)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1{path}", content, self._headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
            if cookie := answer.headers["Set-Cookie"]:
                self._headers |= {"Cookie": cookie.partition(";")[0], "X-Metergate-Token": said["csrf"]}
            return answer.status, said
        finally:
            connection.close()


def main(arguments: list[str]) -> int:
    """Run the command named third."""
    host, port, verb, *rest = arguments
    visitor = Visitor(host, int(port))
    if verb == "session":
        print(visitor.ask("GET", "/session")[1]["state"])
        return 0
    if verb == "set":
        code, key, value = rest
        visitor.ask("POST", "/session/code", {"code": code})
        visitor.ask("PUT", "/password", {"new": PASSWORD})
    else:
        key, value = rest
        visitor.ask("POST", "/session", {"user": "owner", "password": PASSWORD})
    status, said = visitor.ask("PATCH", "/settings", {"set": {key: json.loads(value)}})
    print(said["error"]["text"] if status != 200 else f"starts again: {' '.join(said['restarts'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
