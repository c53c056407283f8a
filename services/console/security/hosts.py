"""Under which names the page may be opened. Pure.

A foreign name that leads to this address is an attack by DNS (rebinding): the browser would take the stranger's page
and ours for one. Addresses, localhost and names in .local cannot be such; every other name has to be named.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from shared.tls.text import clean


class Hosts:
    """The allow-list.

    Args:
        names: own host names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)

    def refusal(self, header: str) -> str:
        """Why a request with this Host header is refused; empty where it is not."""
        host = _without_port(header)
        if host is None:
            return "the header Host is missing or malformed"
        if _is_address(host) or host == "localhost" or host.endswith((".localhost", ".local")) or host in self._names:
            return ""
        return (
            f"this page is not served as {clean(host, 80)!r}; open it by its address, "
            "or add the name to [console] names in the settings"
        )


def _without_port(header: str) -> str | None:
    host = header.strip().lower()
    if host.startswith("["):
        inside, closed, port = host[1:].partition("]")
        host, port = (f"[{inside}]", port) if closed else ("", "")
        port = port.removeprefix(":") if port.startswith(":") or not port else "?"
    else:
        host, _, port = host.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit())):
        return None
    return host.removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return False
    return True
