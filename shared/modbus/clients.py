"""What an owner learns of a slave's clients, and does to them: `sessions/1`; disconnect, pause, resume.

What was paused is state of this process alone: started anew, it serves everybody.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final

from shared import clock
from shared.actor import Life
from shared.bus.messages import Command, Event, Sessions
from shared.errors import RefusedError
from shared.modbus.server import Server
from shared.tls.text import clean

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


class Clients:
    """The clients of one server, as the bus sees them.

    Args:
        life: of the role.
        server: whose clients.
        now_ns: CLOCK_BOOTTIME.
    """

    def __init__(self, life: Life, server: Server, now_ns: Callable[[], int] = clock.now_ns) -> None:
        self._life = life
        self._server = server
        self._now = now_ns

    def tell(self) -> None:
        """Publish what the slave is doing."""
        bus, server, counters, clients = self._life.bus, self._server, self._server.counters(), self._server.clients()
        bus.publish(
            Sessions(
                **bus.stamp(Sessions),
                t_ns=self._now(),
                port=server.port,
                connections=server.connections,
                accepted=counters.accepted,
                refused=counters.refused,
                requests=counters.requests,
                exceptions=counters.exceptions,
                framing_errors=counters.framing_errors,
                clients={client.peer: client.requests for client in clients},
                labels={client.peer: client.label or client.fingerprint for client in clients if client.fingerprint},
                details=clients,
                paused=server.paused,
            )
        )

    async def obey(self, command: Command) -> dict[str, Any]:
        """Carry out a command; the result names whom it concerned.

        Raises:
            RefusedError: why not.
        """
        match command.verb:
            case "disconnect":
                peer = _text(command.args, "peer")
                self._server.disconnect(peer)
                return self._done("client.disconnected", command, peer, 1)
            case "pause":
                who = self._who(command.args)
                return self._done("client.paused", command, who, self._server.pause(who))
            case "resume":
                who = self._who(command.args)
                return self._done("client.resumed", command, who, self._server.resume(who))
        raise RefusedError(f"{clean(command.verb, 32)!r} is no command; there are: disconnect pause resume")

    def _who(self, args: dict[str, Any]) -> str:
        who = _text(args, "who")
        if _FINGERPRINT.fullmatch(who):
            if self._server.knows_certificates:
                return who
            raise RefusedError(f"clients of {self._life.instance} show no certificates; give an IP address")
        try:
            address = ipaddress.ip_address(who)
        except ValueError:
            more = ", or the whole SHA-256 of a certificate, 64 hex digits in lower case"
            raise RefusedError(
                f"who is {clean(who, 64)!r}; give an IP address{more if self._server.knows_certificates else ''}"
            ) from None
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return str(mapped or address)

    def _done(self, kind: str, command: Command, who: str, connections: int) -> dict[str, Any]:
        """Tell everybody."""
        life, by = self._life, clean(str(command.args.get("by") or "cli"), 64)
        what = kind.partition(".")[2]
        life.log.info(kind, who=who, by=by, connections=connections)
        life.bus.publish(
            Event(
                **life.bus.stamp(Event),
                t_ns=self._now(),
                kind=kind,
                text=f"{who} was {what} by {by}",
                data={"who": who, "by": by, "instance": life.instance},
            )
        )
        self.tell()
        return {"who": who, "connections": connections}


def _text(args: dict[str, Any], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError(f"{name} is missing, or no text")
    return value
