"""What every message on the bus carries, and the topic under which it is published."""

from functools import lru_cache

import msgspec

from shared.clock import BOOT_ID


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Fields that each message carries.

    Attributes:
        src: instance that wrote it, e.g. `measurement` or `plain-slave.2`.
        gen: generation of the writer; rises at each of its starts, and when it had to take its endpoint back.
        seq: rises by one with each message of that writer and topic.
        t_ns: CLOCK_BOOTTIME in ns. For data the time at which the *source* had it, which nobody downstream re-stamps.
        boot: boot id under which `t_ns` was read.
    """

    src: str
    gen: int
    seq: int
    t_ns: int
    boot: str = BOOT_ID

    @property
    def version(self) -> tuple[int, int]:
        """What a replica compares: a larger one is newer."""
        return (self.gen, self.seq)


@lru_cache(maxsize=1024)
def topic(kind: type[Message], key: str = "") -> bytes:
    """Topic of a published message: its tag without the version, then the key, e.g. `image/house`."""
    tag = str(kind.__struct_config__.tag)
    return f"{tag.partition('/')[0]}/{key}".encode()
