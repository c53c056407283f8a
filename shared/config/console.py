"""`[console]` of the settings: where the page is, and what it keeps. Part of `model`."""

from ipaddress import ip_address
from typing import Annotated, Literal

from msgspec import Meta

from shared.config.section import Host, Port, Section


class Console(Section, frozen=True):
    """`[console]`: the web page and its API.

    Attributes:
        enabled: whether it runs.
        host: where it listens; this machine alone by default, `0.0.0.0` or `::` for everybody.
        port: TCP port on which it listens.
        tls: `auto` is https unless `host` is this machine alone; `off` is for that case only.
        names: host names under which the page is opened, besides addresses, localhost and names in .local.
        open_metrics: let programs on this machine read /metrics without an API token.
        history_days: days for which the charts keep their minutes, of all meters together at most two million, which
            are 1388 days of one meter; the energy of each day is kept ten years.
    """

    enabled: bool = True
    host: Host = "127.0.0.1"
    port: Port = 8080
    tls: Literal["auto", "on", "off"] = "auto"
    names: tuple[Host, ...] = ()
    open_metrics: bool = False
    history_days: Annotated[int, Meta(ge=1, le=3650)] = 31

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def https(self) -> bool:
        """Whether it speaks https."""
        return self.tls == "on" or (self.tls == "auto" and not self.is_local)
