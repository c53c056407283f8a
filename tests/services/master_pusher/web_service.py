"""A web service of the standard library's: keeps what it gets, answers what it is told."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from email.message import Message


class WebService:
    """Listens on a free port of the loopback.

    Attributes:
        port: of it.
        requests: path, headers and body of each POST.
        status, headers, body: of the answers.
        connections: accepted so far.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, Message, bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.body = b""
        self.connections = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                service.connections += 1
                super().setup()

            def do_POST(self) -> None:  # the standard library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append((self.path, self.headers, body))
                self.send_response(service.status)
                for name, value in service.headers.items():
                    self.send_header(name, value)
                if service.status != 204:
                    self.send_header("Content-Length", str(len(service.body)))
                self.end_headers()
                self.wfile.write(service.body)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # who did not wait for the answer
                    super().handle()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
