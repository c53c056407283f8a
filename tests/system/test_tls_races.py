"""Accept and Delete again and again while a peer asks and comes back all the time: it is served when it may be only."""

import contextlib
import itertools
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from shared.errors import PeerError, RefusedError
from shared.tls.certificate import fingerprint
from tests.shared.tls.material import make
from tests.support import wait_for
from tests.system.gateway import descriptors, say, send
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.wire import ModbusError

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

ROUNDS = int(os.environ.get("METERGATE_TEST_DECISIONS", "12"))
ONE = make("one")
IDENTITY = fingerprint(ONE.der)


class Peer:
    """Asks without a pause on one connection after the other, until the end.

    Attributes:
        served: when each request was sent that was answered with data; monotonic seconds.
        refused: requests that got exception 01.
        wrong: what must not happen.
    """

    def __init__(self, gateway: TlsGateway, identity: Path) -> None:
        self.served: list[float] = []
        self.refused = 0
        self.wrong: list[str] = []
        self._gateway = gateway
        self._identity = identity
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError, EOFError), TlsClient(self._gateway.tls_port, self._identity) as client:
                self._ask(client)

    def _ask(self, client: TlsClient) -> None:
        for _ in range(200):  # then anew, so that handshakes come at every moment too
            sent = time.monotonic()
            try:
                client.read(0, 28)
            except ModbusError as error:
                self.refused += 1
                if error.code != 1:
                    self.wrong.append(f"exception {error.code:02}")
                time.sleep(0.001)
            else:
                self.served.append(sent)
            if self._stop.is_set():
                return


@pytest.mark.parametrize(("workers", "deaths"), [(1, False), (2, False), (2, True)])
def test_nobody_is_served_between_a_delete_that_was_answered_and_the_next_accept(
    workers: int, deaths: bool, run_dir: Path, tmp_path: Path
) -> None:
    """With deaths, certificate manager and slaves are killed at any moment: what was answered stands all the same."""
    dice = random.Random(workers + deaths)
    forgiving = "[supervisor]\nmax_deaths_per_minute = 100000\n"
    identity = ONE.save(tmp_path)
    with running_tls(run_dir / "g", slave=f"workers = {workers}\n", more=forgiving) as gateway:
        peers = [Peer(gateway, identity) for _ in range(3)]
        try:
            wait_for(lambda: gateway.status(ONE) == "pending", "listed")
            forbidden: list[tuple[float, float]] = []
            deleted = time.monotonic()
            before = {name: descriptors(gateway.pid(name)) for name in ("tls-slave", "certificate-manager")}
            for _ in range(ROUNDS):
                if deaths and dice.random() < 0.5:
                    _kill_soon(gateway, dice)
                asking = time.monotonic()
                _insist(gateway, "accept", "accepted")
                forbidden.append((deleted, asking))
                time.sleep(dice.random() * 0.05)
                if deaths and dice.random() < 0.5:
                    _kill_soon(gateway, dice)
                _insist(gateway, "delete", "pending")
                deleted = time.monotonic()
                time.sleep(dice.random() * 0.05)
            forbidden.append((deleted, time.monotonic()))
            gateway.wait_ready()
            after = {name: descriptors(gateway.pid(name)) for name in before}
        finally:
            for peer in peers:
                peer.stop()
        served = sorted(itertools.chain.from_iterable(peer.served for peer in peers))
        say(f"{workers} workers, deaths {deaths}: {len(served)} requests served, "
            f"{sum(peer.refused for peer in peers)} refused")  # fmt: skip
        assert len(served) > 10, "served in between"
        assert [peer.wrong for peer in peers] == [[], [], []]
        intrusions = [at for at in served for begin, end in forbidden if begin < at < end]
        assert intrusions == []
        assert all(after[name] <= before[name] + 20 for name in before), (before, after)


def _insist(gateway: TlsGateway, verb: str, status: str) -> None:
    """Say it until it is answered, or is so: a certificate manager that was killed could not answer."""

    def is_so() -> bool:
        try:
            gateway.certs(verb, fingerprint=IDENTITY)
        except (PeerError, RefusedError):  # away, or not confirmed, or it is so already
            with contextlib.suppress(PeerError):
                return gateway.status(ONE) == status
            return False
        return True

    wait_for(is_so, f"{verb} is answered", 20)


def _kill_soon(gateway: TlsGateway, dice: random.Random) -> None:
    names = [name for name in gateway.pids() if name.partition(".")[0] in {"tls-slave", "certificate-manager"}]
    pid, after = gateway.pid(dice.choice(names)), dice.random() * 0.05
    threading.Timer(after, lambda: send(pid, signal.SIGKILL)).start()
