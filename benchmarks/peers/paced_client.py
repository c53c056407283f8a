"""`python -m benchmarks.peers.paced_client PORT RATE REGISTERS`: reads at a steady rate until standard input ends.

Prints "ready" once it runs, and at the end how many requests a second were answered.
"""

import select
import socket
import struct
import sys
import time

CONNECTIONS = 10
REQUEST = struct.Struct(">HHHBBHH")


def main(port: int, rate: float, registers: int) -> None:
    """Send one request on each connection, take the answers, and wait for the next turn."""
    connections = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = REQUEST.pack(1, 0, 6, 1, 3, 0, registers)
    size = 9 + 2 * registers
    turn_s = CONNECTIONS / rate
    print("ready", flush=True)
    begin = due = time.monotonic()
    answered = 0
    while True:
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            if len(connection.recv(size, socket.MSG_WAITALL)) != size:
                raise ConnectionError("a wrong answer")
        answered += CONNECTIONS
        due += turn_s
        if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            break
    print(answered / (time.monotonic() - begin), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
