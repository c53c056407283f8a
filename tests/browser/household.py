"""A household that has something to show on every page: slaves that get pushes, clients, certificates that wait."""

import contextlib
import ssl
import threading
from pathlib import Path
from typing import Final

from shared.tls.certificate import fingerprint
from tests.browser.console import HOUSEHOLD, Console
from tests.shared.tls.material import make
from tests.support import Processes, free_port, wait_for
from tests.system.foreign_slave import ForeignSlave
from tests.system.tls import TlsClient
from tests.system.wire import Client, ModbusError

INVERTER: Final = "Inverter 10.0 (garage)"
WALLBOX: Final = "Wallbox left"
POLL_S: Final = 0.2


class Household:
    """The gateway and all around it.

    Args:
        folder: short.
        processes: for the slave that nobody here wrote.

    Attributes:
        console: the gateway with its page.
        tls_port: of the TLS slave.
    """

    def __init__(self, folder: Path, processes: Processes) -> None:
        self.folder = folder
        self.tls_port = free_port()
        slave, away = ForeignSlave("pymodbus", processes, folder), free_port()
        self.console = Console(
            folder / "gateway",
            slave=f"tls = true\nplain_alongside_tls = true\ntls_port = {self.tls_port}",
            meter=HOUSEHOLD,
            more="[master]\nenabled = true\n"
            f'[[master.slave]]\naddress = "127.0.0.1"\nport = {slave.port}\nlabel = "Energy manager"\n'
            f'[[master.slave]]\naddress = "127.0.0.1"\nport = {away}\nlabel = "Heat pump"\n',
        )
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the gateway, then let the clients come: one is accepted, one waits, one needs no certificate."""
        self.console.start()
        inverter, wallbox = make(INVERTER), make(WALLBOX, with_key="wallbox")
        self._poll(inverter.save(self.folder))
        accept = ("certs", "accept", fingerprint(inverter.der), "--label", "Inverter")
        wait_for(lambda: self.console.cli(*accept).returncode == 0, "the inverter's certificate", 20)
        self._poll(wallbox.save(self.folder))
        self._poll(None)

    def end(self) -> None:
        """Send the clients away, then end the gateway."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.console.end()

    def _poll(self, identity: Path | None) -> None:
        thread = threading.Thread(target=self._read, args=(identity,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read(self, identity: Path | None) -> None:
        """Read again and again; come again where the gateway ended it."""
        while not self._stop.is_set():
            with contextlib.suppress(OSError, EOFError, ssl.SSLError), self._connect(identity) as client:
                while not self._stop.wait(POLL_S):
                    with contextlib.suppress(ModbusError):
                        client.read(0, 40)
            self._stop.wait(POLL_S)

    def _connect(self, identity: Path | None) -> Client:
        return Client(self.console.port) if identity is None else TlsClient(self.tls_port, identity)
