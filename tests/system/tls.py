"""A whole gateway that serves with TLS, its owner's commands, and a TLS client of the tests' own."""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.bus.command import call
from shared.bus.endpoints import Endpoints
from shared.tls.certificate import fingerprint
from tests.shared.tls.material import Made, client_settings
from tests.support import free_port, wait_for
from tests.system.gateway import Gateway
from tests.system.wire import Client

MANAGER = "certificate-manager"
NIGHT = '[[meter]]\nid = "house"\nsource = "simulated"\n[meter.simulated]\nstart = "23:30"\n'
"""The car stands at the wallbox, and the sun does not shine."""


class TlsGateway(Gateway):
    """A gateway with `slave.tls`.

    Attributes:
        tls_port: of the TLS slave.
    """

    def __init__(self, folder: Path, meter: str = NIGHT, slave: str = "", more: str = "") -> None:
        self.tls_port = free_port()
        generous = "handshakes_per_s = 1000\nhandshakes_per_s_per_address = 1000\n"
        super().__init__(folder, meter, f"tls = true\ntls_port = {self.tls_port}\n{generous}{slave}", more)

    def start(self) -> None:
        """`metergate up`; returns when every role is ready."""
        process = self.launch()
        process.wait_output("Modbus/TCP Security (TLS) on", 30)
        self.wait_ready()

    def certs(self, verb: str, patience_s: float = 10.0, **args: str) -> dict[str, Any]:
        """A command to the certificate manager."""
        return call(Endpoints(self.run_dir).cmd(MANAGER), MANAGER, verb, args, patience_s)

    def rows(self) -> dict[str, dict[str, Any]]:
        """What `metergate certs list` shows, by fingerprint."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = self.certs("list", after=max(found, default=""))
            found |= {row["fingerprint"]: row for row in page["certificates"]}
            if not page["more"]:
                return found

    def status(self, made: Made) -> str:
        """Of one certificate in that list; empty where it is not in it."""
        return str(self.rows().get(fingerprint(made.der), {}).get("status", ""))

    def accept(self, made: Made, grant: str = "rw") -> None:
        """Accept a certificate that was seen."""
        wait_for(lambda: self.status(made), "listed")
        self.certs("accept", fingerprint=fingerprint(made.der), grant=grant)

    def delete(self, made: Made) -> dict[str, Any]:
        """Delete one."""
        return self.certs("delete", fingerprint=fingerprint(made.der))


@contextlib.contextmanager
def running_tls(folder: Path, meter: str = NIGHT, slave: str = "", more: str = "") -> Iterator[TlsGateway]:
    """A gateway that serves; ended with the block."""
    gateway = TlsGateway(folder, meter, slave, more)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.end()


class TlsClient(Client):
    """One connection with a client certificate."""

    def __init__(
        self, port: int, identity: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, buffers: int = 0
    ) -> None:
        super().__init__(port, buffers=buffers)
        try:
            self.socket = client_settings(identity, version).wrap_socket(self.socket)
        except BaseException:
            self.socket.close()
            raise

    def flood(self, request: bytes) -> None:
        """Send until nothing more is taken, and read no answer."""
        self.socket.settimeout(0.3)
        with contextlib.suppress(TimeoutError, ssl.SSLWantWriteError):
            while True:
                self.socket.sendall(request * 100)

    def wait_cut(self, timeout_s: float = 5.0) -> float:
        """When, on the monotonic clock, the kernel knows that the other side is gone; nothing is read or sent."""
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLRDHUP)
        assert poll.poll(timeout_s * 1000), f"not cut off within {timeout_s} s"
        return time.monotonic()


def is_refused(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0
