"""metergate itself, as a person starts it, in a folder of its own."""

import json
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METERGATE = Path(sys.executable).with_name("metergate")
PATIENCE_S = 20.0
SETTINGS = """[[meter]]
id = "house"
source = "simulated"
cycle_ms = 100
[meter.simulated]
start = "11:30"
[slave]
host = "127.0.0.1"
port = {port}
{slave}[console]
port = {console}
{more}"""
REQUEST = struct.Struct(">HHHBBHH")


@dataclass(frozen=True, slots=True)
class Folder:
    """Settings, and where those who run by them are found.

    Attributes:
        path: of the folder; short, since sockets are in it.
        port: of the slave.
    """

    path: Path
    port: int

    @property
    def run_dir(self) -> Path:
        """Where the sockets are."""
        return self.path / "run"

    def state(self, supervisor: str) -> dict[str, Any]:
        """What a supervisor says of its roles; empty before it says anything."""
        try:
            found: dict[str, Any] = json.loads((self.run_dir / f"{supervisor}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found


@contextmanager
def folder(slave: str = "", more: str = "") -> Iterator[Folder]:
    """A new one.

    Args:
        slave: more lines of `[slave]`, each with its end.
        more: more sections.
    """
    with tempfile.TemporaryDirectory(prefix="mg-", dir="/tmp") as name:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as page:
            port, console = int(one.getsockname()[1]), int(page.getsockname()[1])
        text = SETTINGS.format(port=port, console=console, slave=slave, more=more)
        Path(name, "metergate.toml").write_text(text, encoding="utf-8")
        yield Folder(Path(name), port)


@contextmanager
def started(where: Folder, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """`metergate up` or `metergate run ROLE`; ended in order."""
    arguments: list[str | Path] = [METERGATE, *command, "--config", where.path / "metergate.toml"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def ask(connection: socket.socket, count: int) -> bytes:
    """Registers from 0 on; empty for an exception."""
    connection.sendall(REQUEST.pack(1, 0, 6, 1, 3, 0, count))
    answer = connection.recv(300)
    if not answer:
        raise ConnectionError("the slave ended the connection")
    return answer[9:] if answer[7] == 3 else b""


def wait_register(where: Folder) -> None:
    """Until a live register can be read."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", where.port), 5) as connection:
                if ask(connection, 2):
                    return
        except OSError:
            pass
        time.sleep(0.002)
    raise TimeoutError("metergate serves nothing")


def wait_ready(where: Folder, supervisor: str) -> list[dict[str, Any]]:
    """The roles of a supervisor that the settings do not disable, once all are ready."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        children = [child for child in where.state(supervisor).get("children", []) if child["state"] != "disabled"]
        if children and all(child["state"] == "ready" for child in children):
            return list(children)
        time.sleep(0.002)
    raise TimeoutError(f"{supervisor} is not ready")
