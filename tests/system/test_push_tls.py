"""Pushing over TLS, with a real certificate manager: nothing before Accept, nothing after Delete."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared.tls.material import make
from tests.support import wait_for
from tests.system.bus import Message
from tests.system.gateway import Gateway, running
from tests.system.pushing import rows
from tests.system.receivers import Recorder

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


class TlsRecorder(Recorder):
    """A slave behind the interpreter's own TLS, which asks for a certificate.

    Attributes:
        handshakes: completed.
    """

    def __init__(self, identity: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity)
        self.handshakes = 0
        super().__init__()

    def _answer(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secure:
            self.handshakes += 1
            super()._answer(secure)


@contextmanager
def _pushing(folder: Path) -> Iterator[tuple[Gateway, TlsRecorder]]:
    identity = make("a slave with TLS").save(folder)
    with TlsRecorder(identity) as slave:
        more = f'[master]\nenabled = true\n[[master.slave]]\naddress = "mbaps://127.0.0.1:{slave.port}"\n'
        with running(folder / "g", more=more) as gateway:
            yield gateway, slave


def _certificates(gateway: Gateway) -> list[Message]:
    done = gateway.cli("certs", "list", "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_accept_begins_and_delete_ends_it(run_dir: Path) -> None:
    with _pushing(run_dir) as (gateway, slave):
        wait_for(lambda: rows(gateway)[0]["state"] == "untrusted", "an unknown certificate", 20)
        row = rows(gateway)[0]
        assert f"metergate certs accept {row['fingerprint']}" in row["reason"]
        assert slave.handshakes > 0
        assert slave.writes == [], "not one byte before the decision"
        (listed,) = [each for each in _certificates(gateway) if each["fingerprint"] == row["fingerprint"]]
        assert listed["status"] == "pending"
        assert "out" in json.dumps(listed)

        accepted = gateway.cli("certs", "accept", row["fingerprint"])
        assert accepted.returncode == 0, accepted.stderr
        wait_for(lambda: len(slave.times) > 3, "pushes", 5)
        assert set(slave.registers) == {*range(28), *range(40, 146), *range(512, 552), *range(592, 792)}
        wait_for(lambda: rows(gateway)[0]["state"] == "ok", "its state")
        tested = gateway.cli("slaves", "test", "1")
        assert "took 374 registers" in tested.stdout, tested.stderr

        deleted = gateway.cli("certs", "delete", row["fingerprint"])
        assert deleted.returncode == 0, deleted.stderr
        count = len(slave.writes)
        wait_for(lambda: rows(gateway)[0]["state"] == "untrusted", "it is unknown again")
        assert len(slave.writes) <= count + 5, "at most what was on its way"
        assert "1" in deleted.stdout
