"""What a role's process does besides its work: settings, lock, bus, log, beats, an ordered end.

A role is an `Actor`: one coroutine that is its whole life. It ends by an exception, by SIGTERM, or when the supervisor
dies. Nothing is caught here to go on: a role that fails is started again from a known state.

Exit codes: 0 after SIGTERM, 78 settings (starting again cannot help), 75 something is missing that may come by itself,
1 anything else.
"""

import abc
import asyncio
import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Final, NoReturn

import msgspec
import structlog
import uvloop

from shared.bus.bus import Bus
from shared.bus.endpoints import acquire, endpoints_of
from shared.config.load import find, load, parse
from shared.config.model import Config, Log
from shared.errors import EXIT_DONE, EXIT_REFUSED, MetergateError, UnavailableError
from shared.kernel import (
    die_with,
    file_pages,
    hold_standard_descriptors,
    raise_descriptor_limit,
    return_file_pages,
)
from shared.log_line import LineWriter
from shared.logging import configure

_BEATS_PER_TIMEOUT: Final = 4
_STARTED_S: Final = 3.0
"""By then a role has read what it reads of libraries to start, and of that alone."""
_LAST_WORDS: Final = 800
_LONGEST_STATUS: Final = 400
"""Characters of one text in a beat, which has to fit into one datagram."""

Status = int | str | bool


class Life:
    """What an actor is given.

    Attributes:
        instance: own name on the bus, e.g. `plain-slave.2`.
        config: the settings, read once.
        bus: messages.
        log: bound to the instance.
        listen: listening sockets held by the supervisor; empty where the role was started by hand.
    """

    def __init__(
        self,
        *,
        instance: str,
        config: Config,
        bus: Bus,
        log: structlog.typing.FilteringBoundLogger,
        listen: tuple[socket.socket, ...] = (),
        control: socket.socket | None = None,
    ) -> None:
        self.instance = instance
        self.config = config
        self.bus = bus
        self.log = log
        self.listen = listen
        self._control = control
        self._status: dict[str, Status] = {}
        self._beat = 0

    def ready(self) -> None:
        """Say that the role does its work now; every beat repeats it, should this one be lost."""
        self._status["ready"] = True
        self._tell({"ready": True})

    def status(self, **fields: Status) -> None:
        """What the next beats carry, e.g. `fresh_until_ns`, or as `note` what `metergate ps` shows beside the state."""
        for name, value in fields.items():
            self._status[name] = value[:_LONGEST_STATUS] if isinstance(value, str) else value

    def beat(self, every_s: float) -> None:
        """Tell the supervisor, from the loop that does the work, that this loop turns; and again after `every_s`."""
        self._beat += 1
        loop = asyncio.get_running_loop()
        self._tell({"beat": self._beat, **self.bus.load.told(loop.time()), **self._status})
        loop.call_later(every_s, self.beat, every_s)

    def _tell(self, message: dict[str, Status]) -> None:
        if self._control is not None:
            with contextlib.suppress(BlockingIOError):  # a stopped supervisor must not stop us; the next beat counts
                self._control.send(msgspec.msgpack.encode(message))


class Actor(abc.ABC):
    """One role.

    Attributes:
        role: its name on the command line, in compose and on the bus.
        nice: how far it stands back, nice(2): more than 0 for who wakes up with those that carry a measurement to the
            wire, and must not hold them up.
    """

    role: ClassVar[str]
    nice: ClassVar[int] = 0

    def __init__(self, life: Life) -> None:
        self.life = life

    @abc.abstractmethod
    async def run(self) -> None:
        """The whole life. Cancelled by SIGTERM; an exception ends the process."""


def main(actor_class: type[Actor]) -> NoReturn:
    """Entry of `python -m services.<role>`, by hand or under a supervisor."""
    hold_standard_descriptors()
    sys.exit(_run(actor_class, os.environ))


def child_main(module: str) -> NoReturn:
    """Entry of a child that the fork server made; `module` holds the actor class as `ACTOR`."""
    code = EXIT_REFUSED
    try:
        code = _run(importlib.import_module(module).ACTOR, os.environ)
    except BaseException:  # noqa: BLE001  # told here, since nobody is left to raise it to
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)  # the fork server's own exit handlers are not ours to run


def _run(actor_class: type[Actor], environ: Mapping[str, str]) -> int:
    instance = environ.get("METERGATE_INSTANCE", actor_class.role)
    configure(Log(), instance)  # until the settings say otherwise
    control = _control(environ)
    try:
        if supervisor := environ.get("METERGATE_SUPERVISOR_PID"):
            die_with(int(supervisor))
        config = _settings(environ)
        log = configure(config.log, instance)
        endpoints = endpoints_of(config)
        lock = acquire(config.gateway.run_dir, instance)
        raise_descriptor_limit()
        os.nice(actor_class.nice)
        file_pages()
        gc.freeze()  # what was imported is not looked at again, and its pages stay shared after a fork
        uvloop.run(
            _live(
                actor_class,
                config,
                partial(Bus, endpoints, instance, lock.generation, log, lock.renew),
                environ,
                control,
            )
        )
    except MetergateError as error:
        if control is None or not isinstance(error, UnavailableError):  # whoever tries again and again says it, once
            LineWriter().write(f"{instance}: {error}\n")  # logging may not be set up yet
        _last_words(control, str(error))
        return error.exit_code
    except Exception:  # noqa: BLE001  # the last line of defence turns it into a log line and an exit code
        structlog.get_logger().bind(instance=instance).exception("role failed")
        return EXIT_REFUSED
    return EXIT_DONE


def _settings(environ: Mapping[str, str]) -> Config:
    """The settings: the copy that the supervisor has in force, since the file itself may be wrong just now."""
    in_force = environ.get("METERGATE_SETTINGS")
    path = find(None, environ)
    return load(path, environ) if in_force is None else parse(Path(in_force).read_bytes(), path, environ)


async def _live(
    actor_class: type[Actor],
    config: Config,
    make_bus: Callable[[], Bus],
    environ: Mapping[str, str],
    control: socket.socket | None,
) -> None:
    loop = asyncio.get_running_loop()
    bus = make_bus()
    log = bus.log
    fds = [int(fd) for fd in environ.get("METERGATE_LISTEN_FDS", "").split(",") if fd]
    life = Life(
        instance=bus.instance,
        config=config,
        bus=bus,
        log=log,
        listen=tuple(socket.socket(fileno=fd) for fd in fds),
        control=control,
    )
    asked = asyncio.Event()
    loop.call_later(_STARTED_S, return_file_pages)
    try:
        work = loop.create_task(actor_class(life).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _cancel, work, asked)
        bus.failed.add_done_callback(lambda _: work.cancel())
        life.beat(float(environ.get("METERGATE_BEAT_S") or config.supervisor.beat_timeout_s / _BEATS_PER_TIMEOUT))
        await work
    except asyncio.CancelledError:
        if bus.failed.done():
            bus.failed.result()  # raises what a handler of the bus raised
        if not asked.is_set():
            raise RuntimeError("the role was cancelled, but nobody asked it to stop") from None
        log.info("stopped")
    finally:
        bus.close()


def _cancel(work: asyncio.Task[None], asked: asyncio.Event) -> None:
    asked.set()
    work.cancel()


def _control(environ: Mapping[str, str]) -> socket.socket | None:
    fd = environ.get("METERGATE_CONTROL_FD")
    if fd is None:
        return None
    control = socket.socket(fileno=int(fd))
    control.setblocking(False)
    return control


def _last_words(control: socket.socket | None, text: str) -> None:
    """Tell the supervisor why this role ends, in one line, for `metergate ps`."""
    if control is None:
        return
    first, *others = text.splitlines() or [""]
    more = f" (and {len(others)} more, see the log)" if others else ""
    with contextlib.suppress(OSError):  # it is in the log as well
        control.send(msgspec.msgpack.encode({"refused": first[:_LAST_WORDS] + more}))
