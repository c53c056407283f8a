"""Web services that nobody here wrote, each a process, which check token and signature by code of their own.

`python -m tests.system.foreign_receiver PORT PEM|- TOKEN KEY TROUBLE`: the standard library's server as everyone uses
it, which ends the connection after each answer; `tests/foreign/receive.js` does the same in Node and keeps it. PEM
holds key and certificate, `-` is plain HTTP. TROUBLE is what the first genuine messages get: statuses or `reset`, by
commas. Each message becomes a line: what it got, a tab, its body.
"""

import hashlib
import hmac
import json
import shutil
import socket
import ssl
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support import ROOT, Process, Processes, free_port
from tests.system.foreign import need

KINDS = ("python", "node")


class ForeignReceiver:
    """One web service.

    Attributes:
        port: where it listens.
        process: it.
    """

    def __init__(self, kind: str, processes: Processes, pem: Path | None, token: str, key: str, *trouble: str) -> None:
        self.port = free_port()
        arguments = [str(self.port), str(pem or "-"), token, key, ",".join(trouble)]
        if kind == "node":
            node = shutil.which("node")
            need("node", "on Debian: apt install nodejs", here=node is not None)
            assert node
            self.process: Process = processes.start(node, ROOT / "tests" / "foreign" / "receive.js", *arguments)
        else:
            self.process = processes.python("-m", "tests.system.foreign_receiver", *arguments)
        self.process.wait_output("listening\t", 20)

    def got(self) -> list[tuple[str, dict[str, Any]]]:
        """What each message got, and its body."""
        found = []
        for line in self.process.output.splitlines(keepends=True):
            what, _, body = line.partition("\t")
            if body.startswith("{") and body.endswith("\n"):
                found.append((what, json.loads(body)))
        return found

    def answers(self) -> list[str]:
        """What each message got."""
        return [what for what, _ in self.got()]


def _serve(port: int, pem: str, token: str, key: str, trouble: list[str]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the standard library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            moment = self.headers["Metergate-Timestamp"] or ""
            made = hmac.new(key.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
            genuine = hmac.compare_digest(self.headers["Metergate-Signature"] or "", f"sha256={made}")
            genuine = genuine and self.headers["Authorization"] == f"Bearer {token}"
            what = (trouble.pop(0) if trouble else "204") if genuine else "401"
            sys.stdout.write(f"{what}\t{body.decode()}\n")
            if what == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            self.send_response(int(what))
            if what == "429":
                self.send_header("Retry-After", "1")
            self.end_headers()
            if what != "204":
                self.wfile.write(b"not now")

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return  # the connection was reset above, or the gateway has gone

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if pem != "-":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stdout.write("listening\t\n")
    server.serve_forever()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5].split(",") if sys.argv[5] else [])
