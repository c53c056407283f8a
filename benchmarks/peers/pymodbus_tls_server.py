"""pymodbus' own TLS server, which lets in one client certificate. Prints its port, serves until killed.

`python -m benchmarks.peers.pymodbus_tls_server FOLDER FIRST COUNT`; the folder holds `server.pem` and `client.pem`.
"""

import asyncio
import ssl
import sys
from pathlib import Path

from pymodbus.server import ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def serve(folder: Path, first: int, count: int) -> None:
    """Serve `count` registers from `first`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(folder / "client.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    values = [n & 0xFFFF for n in range(count)]
    device = SimDevice(id=0, simdata=[SimData(first, values=values, datatype=DataType.REGISTERS)])
    server = ModbusTlsServer(device, address=("127.0.0.1", 0), sslctx=context)
    await server.serve_forever(background=True)
    listener = server.transport
    assert isinstance(listener, asyncio.Server)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
