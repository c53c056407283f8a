"""Messages as a person or a script reads them. Decoded with plain msgpack, so that those of any version can be shown.

Nothing in a message is trusted: not its schema, not its depth, and not its texts, of which everything that a terminal
could obey (escape sequences, line ends, reversed writing) is shown as its code.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgpack
from msgspec import Struct

from shared.bus.codec import MAX_BYTES
from shared.errors import BusError
from shared.registers.quantities import MANDATORY, PHASES
from shared.tap.recording import Entry

DEEPEST: Final = 8
LONGEST_TEXT: Final = 200
MOST_ITEMS: Final = 12
LONGEST_LINE: Final = 2000
PHASE_SUFFIXES: Final = tuple(f"_{phase}" for phase in PHASES)
_COMMON: Final = frozenset({"type", "src", "gen", "seq", "t_ns", "boot", "meter"})
_COLOURS: Final = {"sample": "32", "image": "36", "source": "33", "sessions": "34", "processes": "35"}
_LEVELS: Final = {"info": "37", "warning": "33", "error": "31"}


def decode(payload: bytes) -> Any:
    """Whatever the payload holds.

    Raises:
        BusError: it is no msgpack, or too large.
    """
    if len(payload) > MAX_BYTES:
        raise BusError(f"message of {len(payload)} bytes; at most {MAX_BYTES} are allowed")
    try:
        return msgpack.unpackb(payload, use_list=False, strict_map_key=False, unicode_errors="backslashreplace")
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise BusError(f"no msgpack: {error or type(error).__name__}") from error


def plain(text: str, limit: int = LONGEST_TEXT) -> str:
    """The text with every character that is not simply printed as its code, and cut at `limit`."""
    cut = text[:limit]
    safe = cut if cut.isprintable() else "".join(map(_character, cut))
    return safe if len(text) <= limit else f"{safe}... ({len(text)} characters)"


def _character(one: str) -> str:
    return one if one.isprintable() else one.encode("unicode_escape").decode()


class View(Struct, frozen=True):
    """How messages are shown.

    Attributes:
        boot: boot id under which they were received, so that ages can be told.
        colour: whether the terminal wants colours.
        verbose: everything in full, registers in hexadecimal.
    """

    boot: str
    colour: bool = False
    verbose: bool = False

    def line(self, instance: str, entry: Entry, at: datetime) -> str:
        """One line for a person: when, who, what, how old, and the content."""
        topic = plain(entry.topic.decode("utf-8", "backslashreplace"), 64)
        try:
            message = decode(entry.payload)
        except BusError as error:
            return self._joined(at, instance, topic, "31", f"{error} ({len(entry.payload)} bytes)")
        if not isinstance(message, dict):
            return self._joined(at, instance, topic, "31", f"no message: {self._short(message, 0)}")
        code = _COLOURS.get(entry.topic.partition(b"/")[0].decode("ascii", "replace"), "37")
        if isinstance(level := message.get("level"), str):
            code = _LEVELS.get(level, code)
        number = f"#{self._short(message['seq'], 0)} " if "seq" in message else ""
        return self._joined(at, instance, topic, code, number + self._content(message, entry.t_ns))

    def content(self, entry: Entry) -> tuple[Mapping[Any, Any], str]:
        """The message, empty where it is none, and what `line` says of it besides who sent it and when."""
        try:
            message = decode(entry.payload)
        except BusError as error:
            return {}, f"{error} ({len(entry.payload)} bytes)"
        if not isinstance(message, dict):
            return {}, self._cut(f"no message: {self._short(message, 0)}")
        return message, self._cut(self._content(message, entry.t_ns))

    def json(self, instance: str, entry: Entry, at: datetime) -> str:
        """One JSON object on one line; bytes in hexadecimal, what is not a message as `error`."""
        shown: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds"),
            "instance": instance,
            "topic": entry.topic.decode("utf-8", "backslashreplace"),
        }
        try:
            message = decode(entry.payload)
        except BusError as error:
            return json.dumps(shown | {"error": str(error), "payload": entry.payload.hex()})
        age = self._age_ns(message, entry.t_ns) if isinstance(message, dict) else None
        return json.dumps(shown | {"age_ms": None if age is None else age / 1e6, "message": _jsonable(message, 0)})

    def _joined(self, at: datetime, instance: str, topic: str, code: str, rest: str) -> str:
        if self.colour:
            topic = f"\x1b[{code}m{topic}\x1b[0m"
        return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} {instance} {topic} {self._cut(rest)}"

    def _content(self, message: Mapping[Any, Any], received_ns: int) -> str:
        return " ".join((*self._age_words(message, received_ns), *self._fields(message)))

    def _cut(self, text: str) -> str:
        return text if self.verbose or len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}..."

    def _age_ns(self, message: Mapping[Any, Any], received_ns: int) -> int | None:
        t_ns = message.get("t_ns")
        if message.get("boot") != self.boot or not isinstance(t_ns, int) or not 0 < t_ns < 1 << 63:
            return None
        return received_ns - t_ns

    def _age_words(self, message: Mapping[Any, Any], received_ns: int) -> Iterable[str]:
        if "t_ns" not in message:
            return
        age = self._age_ns(message, received_ns)
        if age is None:
            yield "no sample yet" if message["t_ns"] == 0 else "age unknown (of another boot)"
            return
        yield f"{age / 1e6:.1f} ms old" if age < 1e9 else f"{age / 1e9:.1f} s old"
        limit = message.get("stale_after_ms")
        if isinstance(limit, int) and age > limit * 1_000_000:
            yield "\x1b[31mSTALE\x1b[0m" if self.colour else "STALE"

    def _fields(self, message: Mapping[Any, Any]) -> Iterable[str]:
        for name, value in islice(message.items(), None if self.verbose else 4 * MOST_ITEMS):
            if name in _COMMON:
                continue
            if name == "blocks" and isinstance(value, tuple):
                yield self._blocks(value)
            elif name == "text" and isinstance(value, str):
                yield plain(value, MAX_BYTES if self.verbose else LONGEST_TEXT)
            elif name == "values" and isinstance(value, dict):
                yield f"values={self._short(dict(sorted(value.items(), key=_weight)), 0)}"
            elif value not in ("", (), {}, None):
                yield f"{self._short(name, 0)}={self._short(value, 0)}"

    def _blocks(self, blocks: tuple[Any, ...]) -> str:
        known = [(block["start"], block["data"]) for block in blocks if _is_block(block)]
        registers = sum(len(data) // 2 for _, data in known)
        text = f"{len(blocks)} blocks, {registers} registers:"
        for start, data in islice(known, None if self.verbose else 4 * MOST_ITEMS):
            text += f" {start}+{len(data) // 2}"
            if self.verbose:
                text += f"={data.hex()}"
        return text

    def _short(self, value: Any, depth: int) -> str:
        most = None if self.verbose else MOST_ITEMS
        if depth > DEEPEST:
            return "..."
        match value:
            case str():
                return plain(value, MAX_BYTES if self.verbose else LONGEST_TEXT)
            case bytes():
                return value.hex() if self.verbose or len(value) <= 8 else f"<{len(value)} bytes>"
            case float():
                return f"{value:.6g}"
            case dict():
                items = (
                    f"{self._short(name, depth + 1)}={self._short(item, depth + 1)}"
                    for name, item in islice(value.items(), most)
                )
                return f"{{{' '.join(items)}{_more(len(value), most)}}}"
            case tuple() if not isinstance(value, msgpack.ExtType):
                items = (self._short(item, depth + 1) for item in islice(value, most))
                return f"[{' '.join(items)}{_more(len(value), most)}]"
        return plain(str(value))


def _is_block(block: Any) -> bool:
    return isinstance(block, dict) and isinstance(block.get("start"), int) and isinstance(block.get("data"), bytes)


def _weight(item: tuple[Any, Any]) -> tuple[bool, bool]:
    """The active power first, then sums, then phases."""
    return item[0] != MANDATORY, str(item[0]).endswith(PHASE_SUFFIXES)


def _more(count: int, most: int | None) -> str:
    return "" if most is None or count <= most else f" +{count - most} more"


def _jsonable(value: Any, depth: int) -> Any:
    if depth > 4 * DEEPEST:
        return "..."
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if value - value == 0 else str(value)  # JSON knows no nan and no infinity
        case bytes():
            return value.hex()
        case dict():
            return {
                name if isinstance(name, str) else str(_jsonable(name, depth + 1)): _jsonable(item, depth + 1)
                for name, item in value.items()
            }
        case tuple() if not isinstance(value, msgpack.ExtType):
            return [_jsonable(item, depth + 1) for item in value]
    return str(value)
