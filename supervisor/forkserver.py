"""Forks roles from one process that has imported them all, so that they share its memory and start in milliseconds.

    supervisor -- order, descriptors --> fork server == fork ==> middle == fork ==> role
               <-- pid ----------------                          (ends)

The middle process ends at once, so that the role becomes a child of the supervisor, which is its subreaper: the fork
server may die and roles live on. One thread, no event loop, no ZeroMQ context: a fork copies none of them whole.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from shared.kernel import die_with, set_title

ORDER_BYTES: Final = 65_536
ORDER_DESCRIPTORS: Final = 16
TITLE_ROOM: Final = "-" * 48
"""Last argument of the fork server: room in its command line for the titles of the roles."""


class Order(msgspec.Struct, frozen=True):
    """What the supervisor asks for; its descriptors travel beside it, the control channel first.

    Attributes:
        instance: name of the process to be.
        module: that `entry` is called with.
        env: environment variables on top of the fork server's own.
    """

    instance: str
    module: str
    env: dict[str, str]


class Forked(msgspec.Struct, frozen=True):
    """The answer: the process exists, waits until this is sent, and is a child of the supervisor already."""

    instance: str
    pid: int


def main(arguments: list[str]) -> NoReturn:
    """Arguments: descriptor of the channel, the supervisor's pid, `module:function` to enter, modules to import."""
    fd, supervisor, entry, *modules, _ = arguments
    die_with(int(supervisor))
    set_title("metergate: fork server")
    for module in modules:
        _preload(module)
    threads = list(Path("/proc/self/task").iterdir())
    if len(threads) != 1:
        sys.exit(
            f"fork server: importing {' '.join(modules)} started {len(threads) - 1} threads; a fork would lose them"
        )
    gc.collect()
    gc.freeze()
    order, descriptors = _serve(socket.socket(fileno=int(fd)))
    _become(order, descriptors, int(supervisor), entry)


def _preload(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception:  # noqa: BLE001  # a broken role must not cost the others; it fails again, by name, when started
        import traceback  # noqa: PLC0415  # the supervisor imports this module too, and its memory counts

        sys.stderr.write(f"fork server: cannot import {module}\n{traceback.format_exc()}")


def _serve(channel: socket.socket) -> tuple[Order, list[int]]:
    """Fork on order until the supervisor closes the channel. Returns in the forked roles only."""
    decoder = msgspec.msgpack.Decoder(Order)
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, ORDER_BYTES, ORDER_DESCRIPTORS)
        if not data:
            sys.exit(0)
        order = decoder.decode(data)
        pid = _fork(channel, order)
        if pid == 0:
            return order, descriptors
        for fd in descriptors:
            os.close(fd)


def _fork(channel: socket.socket, order: Order) -> int:
    """The role's pid; 0 in the role itself, once the supervisor was told."""
    pid_reader, pid_writer = os.pipe()
    go_reader, go_writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        role = os.fork()
        if role != 0:
            os.write(pid_writer, str(role).encode())
            os._exit(0)
        os.close(pid_reader)
        os.close(pid_writer)
        os.close(go_writer)
        channel.close()
        told = os.read(go_reader, 1)
        os.close(go_reader)
        if not told:  # the fork server died before it could tell; nobody would know of this process
            os._exit(1)
        return 0
    os.waitpid(middle, 0)
    role = int(os.read(pid_reader, 32))
    channel.send(msgspec.msgpack.encode(Forked(order.instance, role)))
    os.write(go_writer, b"!")
    for fd in (pid_reader, pid_writer, go_reader, go_writer):
        os.close(fd)
    return role


def _become(order: Order, descriptors: list[int], supervisor: int, entry: str) -> NoReturn:
    die_with(supervisor)
    set_title(f"metergate: {order.instance}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    control, *listening = descriptors
    os.environ.update(order.env)
    os.environ["METERGATE_CONTROL_FD"] = str(control)
    os.environ["METERGATE_LISTEN_FDS"] = ",".join(map(str, listening))
    module, _, function = entry.partition(":")
    getattr(importlib.import_module(module), function)(order.module)
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
