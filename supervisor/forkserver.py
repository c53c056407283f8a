"""Forks roles from one process that has imported them all, so that they share its memory and start in milliseconds.

    supervisor == fork =================> fork server == fork ==> middle == fork ==> role
               -- order, descriptors -->                          (ends)
               <-- pid -----------------

The middle process ends at once, so that the role becomes a child of the supervisor, which is its subreaper: the fork
server may die and roles live on. The next one is spawned, since the supervisor has threads and sockets by then. One
thread, no event loop, no ZeroMQ context: a fork copies none of them whole. No keys: whatever is here, all roles have.

Whoever imports, or writes elsewhere to what is shared, has those pages for himself: what a role needs is imported here.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec

from shared.errors import EXIT_DONE, EXIT_REFUSED, RefusedError
from shared.kernel import die_with, file_pages, fill_heap, return_file_pages, set_title

ORDER_BYTES: Final = 65_536
ORDER_DESCRIPTORS: Final = 16
_UNUSED: Final = "rich"
"""Taken along by structlog wherever it is installed, as beside our tests: 4 MiB, and nothing of ours shows it."""
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


def branch_off(channel: socket.socket, other: socket.socket, entry: str, modules: Sequence[str]) -> int:
    """Fork one off this process, after loading here what the roles need: all of them share it, this process too.

    This process has one thread as yet, and nothing open that must end with it.

    Args:
        channel: the fork server's end.
        other: the supervisor's; no role shall have it, who holds it gives orders.
        entry: `module:function` that each forked process enters, and that ends it.
        modules: that the roles need.

    Returns:
        Its pid.

    Raises:
        RefusedError: a module started a thread.
    """
    supervisor = os.getpid()
    load(modules)
    if (pid := os.fork()) != 0:
        return_file_pages()
        return pid
    code = EXIT_REFUSED
    try:
        other.close()
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
        serve(channel, supervisor, entry)
        code = EXIT_DONE
    except BaseException:  # noqa: BLE001  # told here, since nobody is left to raise it to
        _tell("fork server")
    os._exit(code)  # the supervisor's own exit handlers are not ours to run


def main(arguments: list[str]) -> NoReturn:
    """Be one that was spawned.

    Args:
        arguments: descriptor of the channel, the supervisor's pid, `module:function` to enter, modules that the roles
            need, room for titles.
    """
    fd, supervisor, entry, *modules, _ = arguments
    try:
        load(modules)
    except RefusedError as error:
        sys.exit(str(error))
    serve(socket.socket(fileno=int(fd)), int(supervisor), entry)
    sys.exit(EXIT_DONE)


def load(modules: Sequence[str]) -> None:
    """Import them, and leave little that a role would write to: no garbage, no holes, nothing for its collector.

    Raises:
        RefusedError: one of them started a thread.
    """
    if hide := _UNUSED not in sys.modules:
        sys.modules[_UNUSED] = None  # type: ignore[assignment]  # its import fails
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001  # a broken role must not cost the others; it fails again, by name
            _tell(f"fork server: cannot import {module}")
    if hide:
        del sys.modules[_UNUSED]
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208  # names are not needed
    if threads != 1:
        raise RefusedError(f"importing {' '.join(modules)} started {threads - 1} threads; a fork would lose them")
    gc.collect()
    if sys.version_info < (3, 12):  # its names are counted: a role would write to each that it replaces there
        sys._clear_type_cache()  # noqa: SLF001
    file_pages()
    fill_heap()
    gc.freeze()


def serve(channel: socket.socket, supervisor: int, entry: str) -> None:
    """Fork on order until the supervisor closes the channel."""
    die_with(supervisor)
    set_title("metergate: fork server")
    decoder = msgspec.msgpack.Decoder(Order)
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, ORDER_BYTES, ORDER_DESCRIPTORS)
        if not data:
            return
        order = decoder.decode(data)
        if _fork(channel, order) == 0:
            _become(order, descriptors, supervisor, entry)
        for fd in descriptors:
            os.close(fd)


def _tell(what: str) -> None:
    import traceback  # noqa: PLC0415  # the supervisor of one role imports this module too, and its memory counts

    sys.stderr.write(f"{what}\n{traceback.format_exc()}")
    sys.stderr.flush()


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
    raise RuntimeError(f"{entry} returned")


if __name__ == "__main__":
    main(sys.argv[1:])
