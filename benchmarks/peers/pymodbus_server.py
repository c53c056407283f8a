"""pymodbus' own TCP server with one block of holding registers. Prints its port, serves until killed."""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def serve(first: int, count: int) -> None:
    """Serve `count` registers from `first`."""
    values = [n & 0xFFFF for n in range(count)]
    device = SimDevice(id=0, simdata=[SimData(first, values=values, datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    listener = server.transport
    assert isinstance(listener, asyncio.Server)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
