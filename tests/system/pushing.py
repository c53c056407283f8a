"""What the system tests of the pusher share: its settings, the registers of a slave, how `metergate` says it stands."""

import json
from typing import Final

from tests.system.bus import Message
from tests.system.gateway import Gateway
from tests.system.wire import Client

GROUPS: Final = ((0, 28), (40, 106), (512, 40), (592, 120), (712, 80))
"""The four groups, in reads that are legal."""


def master(*ports: int, more: str = "", each: str = "") -> str:
    """Settings that push to those ports."""
    entries = "".join(f'[[master.slave]]\naddress = "127.0.0.1"\nport = {port}\n{each}' for port in ports)
    return f"[master]\nenabled = true\n{more}\n{entries}"


def registers(port: int) -> list[tuple[int, ...]]:
    """Of all groups, from a slave."""
    with Client(port) as client:
        return [client.read(*group) for group in GROUPS]


def rows(gateway: Gateway) -> list[Message]:
    """As `metergate slaves list --json` shows them."""
    done = gateway.cli("slaves", "list", "--json")
    assert done.returncode == 0, done.stderr
    found: list[Message] = json.loads(done.stdout)
    return found
