"""A Modbus client of nothing but the standard library, for `verify.sh`: what a device on the network sees meanwhile.

    probe.py first HOST PORT SECONDS      seconds until register 0 is answered with a value
    probe.py value HOST PORT ADDRESS N    N registers as one unsigned number
    probe.py hold HOST PORT [new]         read until SIGTERM, over one connection or a new one each time; then one line
    probe.py tls HOST PORT IDENTITY       register 0 over TLS as who owns this key and certificate: what came of it

`hold` tells how many reads were answered with a value, with an exception, and not at all; how many connections it
took; and the longest time without a value in milliseconds.
"""

# ruff: noqa: INP001, T201  # a program beside the package, which prints what it measured
import signal
import socket
import ssl
import struct
import sys
import time
from typing import Final, NoReturn

PERIOD_S: Final = 0.01
PATIENCE_S: Final = 2.0

Place = tuple[str, int]


class NoValueError(Exception):
    """The answer was an exception, or is none of Modbus."""


def connect(place: Place) -> socket.socket:
    """A connection whose reads do not wait for ever."""
    opened = socket.create_connection(place, PATIENCE_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def read(connection: socket.socket, address: int, count: int) -> int:
    """Registers from `address` on as one unsigned number.

    Raises:
        NoValueError: the device says that it has none.
        OSError: there is no answer.
    """
    connection.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, address, count))
    header = _exactly(connection, 9)
    function, size = header[7], header[8]
    if function != 3:
        raise NoValueError(f"function {function:#x}, exception {size}")
    return int.from_bytes(_exactly(connection, size), "big")


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionResetError("closed by the other side")
        data += part
    return data


def first(place: Place, patience_s: float) -> int:
    """Print how long it took until a value came."""
    began = time.monotonic()
    last = ""
    while time.monotonic() - began < patience_s:
        try:
            with connect(place) as connection:
                read(connection, 0, 2)
        except (OSError, NoValueError) as error:
            last = str(error)
            time.sleep(PERIOD_S)
            continue
        print(f"{time.monotonic() - began:.2f}")
        return 0
    print(f"no value within {patience_s:g} s; at last: {last}", file=sys.stderr)
    return 1


def tls(place: Place, identity: str) -> str:
    """Read once over TLS; the server is not verified."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False
    settings.verify_mode = ssl.CERT_NONE
    settings.load_cert_chain(identity)
    try:
        with settings.wrap_socket(connect(place)) as connection:
            read(connection, 0, 2)
    except NoValueError as error:
        return str(error)
    except OSError as error:
        return f"no answer: {error}"
    return "a value"


def hold(place: Place, *, anew: bool) -> NoReturn:
    """Read until SIGTERM, then print one line."""
    values = exceptions = failures = connections = 0
    longest = 0.0
    since = time.monotonic()
    connection: socket.socket | None = None

    def end(*_: object) -> NoReturn:
        gap = max(longest, time.monotonic() - since)
        print(
            f"values={values} exceptions={exceptions} failures={failures} "
            f"connections={connections} longest_ms={gap * 1000:.0f}",
            flush=True,
        )
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        try:
            if connection is None:
                connection = connect(place)
                connections += 1
            read(connection, 0, 2)
            values += 1
            longest = max(longest, time.monotonic() - since)
            since = time.monotonic()
        except NoValueError:
            exceptions += 1
        except OSError:
            failures += 1
            if connection is not None:
                connection.close()
            connection = None
        if anew and connection is not None:
            connection.close()
            connection = None
        time.sleep(PERIOD_S)


def main(arguments: list[str]) -> int:
    """Run the command named first."""
    verb, host, port, *rest = arguments
    place = (host, int(port))
    if verb == "first":
        return first(place, float(rest[0]))
    if verb == "value":
        with connect(place) as connection:
            print(read(connection, int(rest[0]), int(rest[1])))
        return 0
    if verb == "hold":
        hold(place, anew=bool(rest))
    if verb == "tls":
        print(tls(place, rest[0]))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
