"""A receiver, or the control beside it: `python -m benchmarks.peers.push_slave KIND` -> its port, one line of JSON.

KIND is `healthy` (takes every write and notes when one begins at register 0), `reset` (resets each connection as soon
as something comes), `mute` (never answers), `drip` (answers one byte a second), or `control PERIOD_S`, which is no
receiver: it notes when a bare timer of that period rings on this machine. Ends when standard input does; the JSON is
the list of times, CLOCK_BOOTTIME in ns.
"""

import contextlib
import json
import select
import socket
import struct
import sys
import threading
import time
from typing import Final

_RESET: Final = struct.pack("ii", 1, 0)


def now_ns() -> int:
    """As metergate stamps its samples."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def healthy(connection: socket.socket, times: list[int]) -> None:
    """A slave with all registers."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := connection.recv(300):
        if data[8:10] == b"\0\0":
            times.append(now_ns())
        connection.sendall(answer(data))


def bad(connection: socket.socket, kind: str) -> None:
    """One that nobody wants to have."""
    while data := connection.recv(300):
        if kind == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()
            return
        for byte in answer(data) if kind == "drip" else b"":
            time.sleep(1)
            connection.sendall(bytes((byte,)))


def answer(request: bytes) -> bytes:
    """To function 16; a request of ours comes in one piece."""
    return request[:4] + b"\0\6" + request[6:12]


def listen(kind: str, times: list[int]) -> None:
    """Serve whoever comes, each in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if kind == "healthy":
                healthy(connection, times)
            else:
                bad(connection, kind)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


def ring(period_s: float, times: list[int]) -> None:
    """A bare timer."""
    print(0, flush=True)
    due = time.monotonic()
    while True:
        due += period_s
        if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            return
        times.append(now_ns())


def main() -> None:
    """See module."""
    kind, *rest = sys.argv[1:]
    times: list[int] = []
    if kind == "control":
        ring(float(rest[0]), times)
    else:
        listen(kind, times)
    print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
