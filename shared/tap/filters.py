"""Which messages somebody wants to see: by writer, topic and meter."""

from typing import Final

from msgspec import Struct

from shared.bus.messages import Message, topic

KINDS: Final = tuple(sorted(topic(kind).decode().rstrip("/") for kind in Message.__subclasses__()))
"""What a topic begins with."""
LONGEST_PREFIX: Final = 32
"""Bytes of a subscription. A publisher cuts the connection of whoever sends it more than 64, with what frames them."""


class Filter(Struct, frozen=True):
    """All by default; several of one sort mean any of them.

    Attributes:
        roles: role or instance names: `plain-slave` also means `plain-slave.2`.
        topics: kinds (`sample`), or beginnings of topics (`sample/hou`).
        meters: meter ids.
    """

    roles: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()

    def instance(self, name: str) -> bool:
        """Whether messages of that writer are wanted."""
        return not self.roles or any(name == role or name.startswith(f"{role}.") for role in self.roles)

    def topic(self, topic: bytes) -> bool:
        """Whether messages of that topic are wanted."""
        _, _, key = topic.partition(b"/")
        return (not self.topics or topic.startswith(tuple(each.encode() for each in self.topics))) and (
            not self.meters or any(key == meter.encode() for meter in self.meters)
        )

    @property
    def unknown_topics(self) -> tuple[str, ...]:
        """Those that no message of this version can have."""
        return tuple(each for each in self.topics if not any(_may_be(each, kind) for kind in KINDS))

    @property
    def prefixes(self) -> tuple[bytes, ...]:
        """What to subscribe to: at least all that is wanted."""
        return tuple({each.encode()[:LONGEST_PREFIX] for each in self.topics}) or (b"",)


def _may_be(beginning: str, kind: str) -> bool:
    return f"{kind}/".startswith(beginning) or beginning.startswith(f"{kind}/")
