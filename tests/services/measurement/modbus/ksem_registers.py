"""Registers as a KSEM has them, for a foreign meter; every value says where it stands."""

PHASE_BASES = {"l1": 40, "l2": 80, "l3": 120}


def words(value: int, count: int) -> list[int]:
    """Big-endian registers of a number, two's complement where negative."""
    return [(value >> (16 * (count - 1 - index))) & 0xFFFF for index in range(count)]


def text(value: str, count: int) -> list[int]:
    """Registers of a text."""
    data = value.encode().ljust(2 * count, b"\0")
    return [int.from_bytes(data[index : index + 2], "big") for index in range(0, 2 * count, 2)]


def ksem() -> dict[int, int]:
    """A KSEM that exports 1234.5 W in sum."""
    memory: dict[int, int] = dict.fromkeys((*range(148), *range(512, 792), *range(8192, 8245)), 0)

    def put(address: int, registers: list[int]) -> None:
        memory.update({address + offset: word for offset, word in enumerate(registers)})

    put(2, words(12_345, 2))
    put(4, words(1_000, 2))
    put(18, words(12_385, 2))
    put(24, words(-997, 2))
    put(26, words(50_012, 2))
    for number, base in enumerate(PHASE_BASES.values(), start=1):
        put(base + 2, words(4_115 * number, 2))
        put(base + 6, words(333 * number, 2))
        put(base + 18, words(4_128 * number, 2))
        put(base + 20, words(1_790 * number, 2))
        put(base + 22, words(230_000 + number, 2))
        put(base + 24, words(-990 - number, 2))
    put(512, words(123_456_789_012, 4))
    put(516, words(5, 4))
    put(8195, [0x020D])
    put(8196, text("KOSTAL", 16))
    put(8212, text("KOSTAL Smart Energy Meter", 16))
    put(8228, text("0815-4711", 16))
    return memory
