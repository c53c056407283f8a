"""A TCP connection that we open, to a meter or a receiver; its name is looked up anew each time.

Each of them looks its name up in a thread of its own. The event loop's pool for that is small and shared: two names
whose servers do not answer would hold up all others.
"""

import asyncio
import encodings.idna  # noqa: F401  # getaddrinfo imports it when it is first asked; here, all roles share it
import errno
import os
import socket
import threading
from ipaddress import ip_address
from typing import Any, Final

from shared.errors import PeerError

Address = tuple[Any, ...]
"""As `getaddrinfo` gives it for `connect`."""
Found = list[tuple[socket.AddressFamily, Address]]

AT_ONCE: Final = 8
"""Of more addresses that a name has, the others are tried at the next call."""
_CURES: Final = {
    "Connection refused": "does anything listen on this port?",
    "No route to host": "is it switched on, and in this network?",
    "Network is unreachable": "has this machine a way into that network?",
}


class Connector:
    """Makes connections to one place.

    Args:
        host: name or address.
        port: TCP port.
        place: both, for messages; where nothing is given, as in a URL.

    Attributes:
        host, port, place: as given.
    """

    def __init__(self, host: str, port: int, place: str = "") -> None:
        self.host: Final = host
        self.port: Final = port
        self.place: Final = place or (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self._looking: asyncio.Future[Found] | None = None
        self._first = 0

    @property
    def named(self) -> bool:
        """Whether the host is a name and no address."""
        try:
            ip_address(self.host.partition("%")[0])
        except ValueError:
            return True
        return False

    async def open(self, timeout_s: float) -> tuple[socket.socket, tuple[str, int]]:
        """A connected socket and the address of its other end.

        Of several addresses each gets its share of the time; the next call begins with another one.

        Raises:
            PeerError: none answers in time.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        found = await self._addresses(until)
        count = min(len(found), AT_ONCE)
        begin = self._first % len(found)
        self._first = begin + (1 if count == len(found) else count)
        fault = ""
        for at in range(count):
            family, address = found[(begin + at) % len(found)]
            try:
                async with asyncio.timeout((until - loop.time()) / (count - at)):
                    sock = await _connected(family, address)
            except TimeoutError:
                fault = f"no answer within {timeout_s:g} s; is it switched on, and in this network?"
            except OSError as error:
                fault = _words(error)
            else:
                self._first = begin + at  # the one that answered comes first again
                return sock, (str(address[0]), int(address[1]))
        raise PeerError(f"no connection to {self.place}: {fault}")

    async def _addresses(self, until: float) -> Found:
        literal = self._literal()
        if literal is not None:
            return [literal]
        if self._looking is None:
            self._looking = self._look_up()
        looking = self._looking
        try:
            async with asyncio.timeout_at(until):
                found = await asyncio.shield(looking)
        except TimeoutError:
            raise PeerError(f"{self.place}: the name {self.host} is still being looked up; is DNS there?") from None
        except OSError as error:
            raise PeerError(
                f"{self.place}: the name {self.host} is not known ({error.strerror or error}); check address"
            ) from None
        except UnicodeError:
            raise PeerError(f"{self.place}: {self.host} is no name that DNS can know; check address") from None
        finally:
            if looking.done():
                self._looking = None
        if not found:
            raise PeerError(f"{self.place}: the name {self.host} has no address")
        return found

    def _literal(self) -> tuple[socket.AddressFamily, Address] | None:
        plain, _, zone = self.host.partition("%")
        if self.named:
            return None
        if ip_address(plain).version == 4:
            return socket.AF_INET, (plain, self.port)
        try:
            scope = socket.if_nametoindex(zone) if zone and not zone.isdigit() else int(zone or 0)
        except OSError:
            raise PeerError(f"{self.place}: there is no network interface {zone}") from None
        return socket.AF_INET6, (plain, self.port, 0, scope)

    def _look_up(self) -> "asyncio.Future[Found]":
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Found] = loop.create_future()
        result.add_done_callback(_take_note)

        def look() -> None:
            found: Found | Exception
            try:
                infos = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
                found = [(family, address) for family, _, _, _, address in infos]
            except (OSError, UnicodeError) as error:
                found = error
            try:
                loop.call_soon_threadsafe(_settle, result, found)
            except RuntimeError:  # the loop has ended meanwhile: nobody asks any more
                return

        # a daemon: a name server that does not answer must not hold up the end of the process
        try:
            threading.Thread(target=look, name=f"look up {self.host}", daemon=True).start()
        except RuntimeError:
            _settle(result, OSError(errno.EAGAIN, "there is no room for one more thread"))
        return result


async def _connected(family: socket.AddressFamily, address: Address) -> socket.socket:
    """OSError also where the machine has no IPv6, or no descriptor left."""
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _settle(result: "asyncio.Future[Found]", found: Found | Exception) -> None:
    if result.done():
        return
    if isinstance(found, Exception):
        result.set_exception(found)
    else:
        result.set_result(found)


def _take_note(result: "asyncio.Future[Found]") -> None:
    """Who asked may have given up; asyncio complains about errors that nobody looked at."""
    if not result.cancelled():
        result.exception()


def _words(error: OSError) -> str:
    text = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    cure = _CURES.get(text)
    return f"{text.lower()}; {cure}" if cure else text.lower()
