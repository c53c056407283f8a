"""What an audit log is made of: its lines, the hash that joins them, and the files of an owner."""

import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec

from shared.folder import names_in

GENESIS: Final = "0" * 64
PRUNED: Final = "audit.pruned"
TORN: Final = "audit.torn"
HEAD_LOST: Final = "audit.head_lost"
_HEAD: Final = re.compile(rb"(\d{19}) ([0-9a-f]{64})\n")
_ROTATED: Final = re.compile(r"(?P<owner>.+)@(?P<number>\d{6,})\.jsonl")


class Who(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who did it.

    Attributes:
        by: `cli`, `console`, `modbus` or the owner of the log itself.
        fingerprint: of the peer's certificate.
        label: that the owner gave this certificate.
        address: of the peer.
        role: in the certificate.
    """

    by: str
    fingerprint: str = ""
    label: str = ""
    address: str = ""
    role: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line.

    Attributes:
        seq: one more than that of the line before.
        prev: SHA-256 of the line before, hex; zeros in the first.
        time: wall clock, ISO 8601 in UTC.
        boot, t_ns: CLOCK_BOOTTIME and under which boot, since the wall clock may be wrong or jump.
        owner: instance that wrote it.
        who: did it.
        what: dotted name, e.g. `certificate.accept`, `wallbox.write`, `refused.role`.
        target: what it was done to.
        result: how it ended.
    """

    seq: int
    prev: str
    time: str
    boot: str
    t_ns: int
    owner: str
    who: Who
    what: str
    target: str
    result: str


class Head(msgspec.Struct, frozen=True):
    """The last line of a chain: its number and the SHA-256 of its bytes."""

    seq: int = 0
    hash: str = GENESIS

    def encode(self) -> bytes:
        """As it stands in its file, which is overwritten in place: 85 bytes lie within one sector."""
        return f"{self.seq:019d} {self.hash}\n".encode()

    @classmethod
    def decode(cls, data: bytes) -> "Head | None":
        """None where it is damaged."""
        found = _HEAD.fullmatch(data)
        return None if found is None else cls(int(found[1]), found[2].decode())


def folder_of(state_dir: Path) -> Path:
    """Where all owners keep their logs."""
    return state_dir / "audit"


def rotated(folder: Path, owner: str) -> list[Path]:
    """The older files of one owner, oldest first."""
    found = [match for name in names_in(folder) if (match := _ROTATED.fullmatch(name))]
    return [
        folder / name
        for _, name in sorted((int(match["number"]), match[0]) for match in found if match["owner"] == owner)
    ]


def number_of(path: Path) -> int:
    """Of an older file; 0 for one that is none."""
    match = _ROTATED.fullmatch(path.name)
    return int(match["number"]) if match else 0


def last_line(path: Path) -> bytes:
    """Without its end; empty where the file is."""
    return path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]


def head_of(line: bytes) -> Head | None:
    """The head of a chain that ends with this line; None where it is no record."""
    try:
        record = msgspec.json.decode(line, type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Head(record.seq, hashlib.sha256(line).hexdigest())
