"""Images and requests that the tests of the slave share."""

import struct
from collections.abc import Iterator

from shared import clock
from shared.bus.messages import Block, Image
from shared.modbus.replica import Replica
from shared.modbus.slave import Slave, State

T0 = 1_000_000_000_000
"""CLOCK_BOOTTIME of the sample in `image`."""
STALE_AFTER_MS = 5000
DEADLINE = T0 + STALE_AFTER_MS * 1_000_000

DEVICE = {0: "metergate", 1: "MG", 2: "1.0"}


def registers(first: int, count: int) -> bytes:
    """Register n holds n."""
    return struct.pack(f">{count}H", *(n & 0xFFFF for n in range(first, first + count)))


BLOCKS = (
    Block(0, registers(0, 100), live=((0, 90),)),
    Block(100, registers(100, 50), unknown=((140, 144),)),  # touches the one before
    Block(512, registers(512, 280)),
    Block(40000, registers(40000, 179), stale=b"\x80\x00" * 179),
    Block(41160, registers(41160, 30), writable=((41168, 41169), (41170, 41173))),
    Block(65500, registers(65500, 36)),
)


def image(
    *,
    seq: int = 1,
    gen: int = 1,
    t_ns: int = T0,
    meter: str = "house",
    unit: int = 1,
    blocks: tuple[Block, ...] = BLOCKS,
    boot: str = clock.BOOT_ID,
    device: dict[int, str] | None = None,
) -> Image:
    """One image, fresh up to DEADLINE."""
    return Image(
        src="register-store",
        gen=gen,
        seq=seq,
        t_ns=t_ns,
        boot=boot,
        meter=meter,
        unit=unit,
        stale_after_ms=STALE_AFTER_MS,
        blocks=blocks,
        device=DEVICE if device is None else device,
    )


def replica(*images: Image, now: int = T0) -> Replica:
    """A replica that holds the images, or the standard one."""
    images = images or (image(),)
    held = Replica({each.meter: each.unit for each in images})
    for each in images:
        held.take(each, now)
    return held


def adu(pdu: bytes, transaction: int = 1, unit: int = 1, protocol: int = 0, length: int | None = None) -> bytes:
    """A frame, with any header."""
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


def read_pdu(start: int, count: int, function: int = 3) -> bytes:
    """A read request."""
    return struct.pack(">BHH", function, start, count)


def read(start: int, count: int, transaction: int = 1, unit: int = 1, function: int = 3) -> bytes:
    """A read request in its frame."""
    return adu(read_pdu(start, count, function), transaction, unit)


def answer(data: bytes, transaction: int = 1, unit: int = 1, function: int = 3) -> bytes:
    """The answer to a read."""
    return adu(bytes((function, len(data))) + data, transaction, unit)


def exception(function: int, code: int, transaction: int = 1, unit: int = 1) -> bytes:
    """An exception answer."""
    return adu(bytes((function | 0x80, code)), transaction, unit)


def run(core: Slave, pieces: Iterator[bytes] | list[bytes], now: int = T0) -> bytes:
    """Feed the pieces as a server does: work off each backlog, stop at the end."""
    out = b""
    for piece in pieces:
        if core.state is State.ENDED:
            break
        out += core.receive(piece, now)
        while core.state is State.BACKLOG:
            out += core.resume(now)
    return out
