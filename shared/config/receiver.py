"""How the address of a `[[master.slave]]` is read: a bare host, or a URL that says more. Pure."""

from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

Scheme = Literal["modbus", "mbaps", "http", "https"]

PORTS: Final[dict[str, int]] = {"modbus": 502, "mbaps": 802, "http": 80, "https": 443}
"""Scheme -> its usual port."""
_HOST_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")


class Receiver(Struct, frozen=True):
    """Where a receiver is, and what it speaks.

    Attributes:
        scheme: `modbus` plain, `mbaps` Modbus/TCP Security, `http` and `https` a web service.
        host: name or address, without brackets.
        port: TCP port.
        path: of a web service, with its query; empty elsewhere.
    """

    scheme: Scheme
    host: str
    port: int
    path: str = ""

    @property
    def web(self) -> bool:
        """Whether it takes JSON instead of registers."""
        return self.scheme in ("http", "https")

    @property
    def tls(self) -> bool:
        """Whether it is reached over TLS."""
        return self.scheme in ("mbaps", "https")

    @property
    def place(self) -> str:
        """Host and port as a person writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole, unambiguously."""
        return f"{self.scheme}://{self.place}{self.path}"


def receiver(address: str, port: int | None, *, tls: bool) -> Receiver:
    """What the keys `address`, `port` and `tls` mean together.

    Raises:
        ValueError: they contradict each other, or the address is none; the text goes behind the key's name.
    """
    scheme, host, own_port, path = _split(address)
    if tls and scheme in ("modbus", "http"):
        secure = "mbaps" if scheme == "modbus" else "https"
        raise ValueError(f"is {address!r}, which is without TLS, beside tls = true; write {secure}:// instead")
    if own_port is not None and port is not None and own_port != port:
        raise ValueError(f"is {address!r}, but port is {port}; give the port once")
    known: Scheme = scheme or ("mbaps" if tls else "modbus")
    return Receiver(known, host, own_port or port or PORTS[known], path)


def _split(address: str) -> tuple[Scheme | None, str, int | None, str]:
    if "://" not in address:
        return None, *_place(address), ""
    try:
        url = urlsplit(address)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"is {address!r}, which is no URL ({error})") from None
    match url.scheme:
        case "modbus" | "mbaps" | "http" | "https" as scheme:
            pass
        case other:
            raise ValueError(f"is {address!r}; {other!r} is none of modbus, mbaps, http, https")
    if url.username is not None or url.password is not None:
        raise ValueError("holds a user name or password; use token_file or hmac_file")
    if url.fragment:
        raise ValueError(f"is {address!r}; a receiver never sees what stands behind #, leave it out")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if scheme in ("modbus", "mbaps"):
        if path != "/":
            raise ValueError(f"is {address!r}; a Modbus slave has no path, write {scheme}://{url.netloc}")
        path = ""
    elif not path.isascii() or not path.isprintable() or " " in path:
        raise ValueError(f"is {address!r}; its path has characters that must be written as %XX")
    return scheme, _host(host or "", address), _port(port, address), path


def _place(address: str) -> tuple[str, int | None]:
    """A host with or without a port; a bare IPv6 address has colons of its own."""
    if address.count(":") > 1 and not address.startswith("["):
        return _host(address, address), None
    if address.startswith("["):
        inside, closed, rest = address[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ValueError(f"is {address!r}; write an IPv6 address as [2001:db8::1] or [2001:db8::1]:502")
        host, text = inside, rest[1:]
    else:
        host, _, text = address.partition(":")
    if ":" in address.removeprefix(f"[{host}]") and not (text.isascii() and text.isdigit()):
        raise ValueError(f"is {address!r}; the port behind the colon is a number")
    return _host(host, address), _port(int(text), address) if text else None


def _port(port: int | None, address: str) -> int | None:
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"is {address!r}; a port is a number from 1 to 65535")
    return port


def _host(host: str, address: str) -> str:
    plain, _, zone = host.partition("%")  # fe80::1%eth0
    try:
        ip = ip_address(plain)
    except ValueError:
        pass
    else:
        if zone and ip.version == 4:
            raise ValueError(f"is {address!r}; only an IPv6 address has a zone")
        return host
    if host.replace(".", "").isdigit() and host:
        raise ValueError(f"is {address!r}; {host} is no IPv4 address, which is four numbers from 0 to 255")
    if not host or not set(host) <= _HOST_LETTERS or ".." in host or len(host) > 253:
        raise ValueError(f"is {address!r}; give an IP address, a host name, or a URL such as modbus://plc.local:502")
    return host
