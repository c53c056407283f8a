"""What the person who starts metergate is told: where to connect, and what is not real."""

import socket
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from shared.config.faults import lines
from shared.config.model import Config
from supervisor.settings import Settings
from supervisor.spec import CONSOLE, PLAIN_SLAVE, TLS_SLAVE, RoleSpec

CONTAINER_MARKS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Files that Docker and Podman put into each container."""


def warnings(settings: Settings, specs: tuple[RoleSpec, ...]) -> Iterator[str]:
    """What to know before trusting a value."""
    config = settings.config
    if not any(spec.name == "measurement" for spec in specs):
        return
    if not config.meter:
        yield "no [[meter]] in the settings: live registers are answered with exception 04"
    for meter in config.meter:
        if meter.source == "simulated":
            yield f"SIMULATION: the values of meter {meter.id} are invented; nothing real may be controlled by them"
    yield from lines(settings.path, settings.advice())


def addresses(config: Config, specs: tuple[RoleSpec, ...], parked: Collection[str] = ()) -> Iterator[str]:
    """Where clients connect, and where they no longer can; nothing of roles that are parked."""
    for spec in specs:
        where = spec.listen(config) if spec.enabled(config) and spec.name not in parked else None
        if where is None:
            continue
        host = f"[{where.host}]" if ":" in where.host else where.host
        if spec.name == CONSOLE.name:
            yield f"the page is at {page(config)}"
            continue
        yield f"{_protocol(config, spec)} on {host}:{where.port}{''.join(_units(config))}"
        if spec.name == TLS_SLAVE.name:
            yield "who connects with TLS is refused until you accept him: `metergate certs list`"
            if not config.slave.plain_alongside_tls:
                yield f"port {config.slave.port} is closed while slave.tls is true: all connections are encrypted"


def page(config: Config) -> str:
    """Where the console is opened in a browser; on all addresses, by this machine's name.

    The name of a container leads nowhere, and where its port is published it cannot know: the host is told, as
    compose.yaml has it.
    """
    console = config.console
    host = f"[{console.host}]" if ":" in console.host else console.host
    where = ""
    if console.host in {"0.0.0.0", "::"}:
        if any(mark.exists() for mark in CONTAINER_MARKS):
            host, where = "127.0.0.1", f" of the host, or wherever it publishes port {console.port} of this container"
        else:
            host = socket.gethostname()
    return f"{'https' if console.https else 'http'}://{host}:{console.port}/{where}"


def _protocol(config: Config, spec: RoleSpec) -> str:
    if spec.name == TLS_SLAVE.name:
        return "Modbus/TCP Security (TLS)"
    return "Modbus TCP, for reading only," if config.slave.tls and spec.name == PLAIN_SLAVE.name else "Modbus TCP"


def _units(config: Config) -> Iterator[str]:
    for meter in config.meter:
        yield f", unit {meter.unit} ({meter.id}{', SIMULATION' if meter.source == 'simulated' else ''})"
