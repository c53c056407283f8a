"""Slaves that nobody here wrote, each a process: `python -m tests.system.foreign_slave KIND PORT` for two of them."""

import asyncio
import shutil
import sys
from pathlib import Path

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pyModbusTCP.server import ModbusServer

from tests.support import ROOT, Process, Processes, free_port, is_listening, wait_for
from tests.system.foreign import need

KINDS = ("pyModbusTCP", "pymodbus", "modbus-serial", "libmodbus")


class ForeignSlave:
    """One slave with registers 0-999 or more, for reading and writing.

    Attributes:
        port: where it listens.
    """

    def __init__(self, kind: str, processes: Processes, folder: Path) -> None:
        self.kind = kind
        self.port = free_port()
        self._processes = processes
        self._folder = folder
        self.process: Process
        self.start()

    def start(self) -> None:
        """Serve; returns once it listens."""
        match self.kind:
            case "modbus-serial":
                self.process = self._node()
            case "libmodbus":
                self.process = self._c()
                return
            case _:
                self.process = self._processes.python("-m", "tests.system.foreign_slave", self.kind, str(self.port))
        wait_for(lambda: is_listening(self.port), f"{self.kind} listening", 20)

    def _node(self) -> Process:
        node = shutil.which("node")
        modules = ROOT / "tests" / "foreign" / "node_modules" / "modbus-serial"
        need("node", "on Debian: apt install nodejs npm", here=node is not None)
        need("modbus-serial", "npm ci --omit=optional --prefix tests/foreign", here=modules.is_dir())
        assert node
        return self._processes.start(node, ROOT / "tests" / "foreign" / "serve.js", str(self.port))

    def _c(self) -> Process:
        from benchmarks.native import MissingToolError, build  # noqa: PLC0415  # only this kind needs a compiler

        try:
            program = build("libmodbus_server", self._folder, "libmodbus")
        except MissingToolError as error:
            need("libmodbus", str(error), here=False)
            raise
        process = self._processes.start(program, "0", "1000")
        self.port = int(process.wait_output("\n", 20))
        return process


async def _pymodbus(port: int) -> None:
    memory = SimData(0, count=1000, values=0, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(id=0, simdata=[memory]), address=("127.0.0.1", port))
    await server.serve_forever()


def main(kind: str, port: int) -> None:
    """Serve until SIGTERM."""
    if kind == "pymodbus":
        asyncio.run(_pymodbus(port))
    else:
        ModbusServer("127.0.0.1", port).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
