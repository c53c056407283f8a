"""Whether an audit log is whole. Pure: bytes of the files in, records and the first broken place out."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from shared.audit.record import GENESIS, PRUNED, Head, Record, folder_of, rotated

_decoder: Final = msgspec.json.Decoder(Record)


class Broken(msgspec.Struct, frozen=True):
    """Where a chain is not what was written.

    Attributes:
        file: its name.
        line: from 1; 0 for the file as a whole.
        reason: in words.
    """

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class Chain(msgspec.Struct, frozen=True):
    """The files of one owner.

    Attributes:
        owner: instance name.
        files: name and content, oldest first; the one that is being written last.
        head: content of the head file; None where there is none.
    """

    owner: str
    files: tuple[tuple[str, bytes], ...]
    head: bytes | None


def owners(state_dir: Path) -> list[str]:
    """Whose logs are there."""
    folder = folder_of(state_dir)
    heads = {path.name.removesuffix(".head") for path in folder.glob("*.head")}
    logs = {path.name.removesuffix(".jsonl").partition("@")[0] for path in folder.glob("*.jsonl")}
    return sorted(heads | logs)


def load(state_dir: Path, owner: str, newest: int | None = None) -> Chain:
    """Read the files of one owner, while it may go on writing them.

    Args:
        state_dir: of the settings.
        owner: instance name.
        newest: only so many, the newest ones: of a long log as much as a page shows.

    Raises:
        OSError: they cannot be read.
    """
    folder = folder_of(state_dir)
    try:  # first the head: what is appended meanwhile lies behind it
        head = (folder / f"{owner}.head").read_bytes()
    except FileNotFoundError:
        head = None
    while True:
        older = rotated(folder, owner)
        current = folder / f"{owner}.jsonl"
        paths = [*older, current] if current.exists() else older
        try:
            files = tuple((path.name, path.read_bytes()) for path in paths[-(newest or len(paths)) :])
        except FileNotFoundError:
            continue  # rotated or pruned between listing and reading
        if rotated(folder, owner) == older:
            return Chain(owner, files, head)


def written_after(state_dir: Path, owner: str, seq: int) -> list[Record]:
    """Lines with a higher number than `seq`, oldest first; what cannot be read is left out.

    Raises:
        OSError: a file cannot be read.
    """
    folder = folder_of(state_dir)
    found: list[Record] = []
    for path in reversed([*rotated(folder, owner), folder / f"{owner}.jsonl"]):
        records = _readable(path)
        found = [record for record in records if record.seq > seq] + found
        if records and records[0].seq <= seq + 1:
            break
    return found


def _readable(path: Path) -> list[Record]:
    records: list[Record] = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            records.append(_decoder.decode(line))
    return records


def verify(chain: Chain, *, whole: bool = True) -> tuple[list[Record], Broken | None]:
    """Every record that can be read, and the first place at which the chain is broken.

    Args:
        chain: of one owner.
        whole: whether it has to begin with its first line; not where only its newest files were read.
    """
    check = _Check(whole=whole)
    for name, content in chain.files:
        check.file(name, content, last=name == chain.files[-1][0])
    check.end(chain)
    return check.records, check.broken


class _Check:
    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self.records: list[Record] = []
        self.broken: Broken | None = None
        self._previous: Head | None = None
        self._begins: tuple[str, Head] | None = None
        self._hashes: dict[int, str] = {0: GENESIS}

    def file(self, name: str, content: bytes, *, last: bool) -> None:
        """The next file of the chain."""
        lines = content.split(b"\n")
        rest = lines.pop()
        for number, line in enumerate(lines, 1):
            self._line(name, number, line)
        if rest and not last:
            self._break(name, len(lines) + 1, "its end is missing")
        # an unfinished line at the very end is being written just now, or the machine stopped; the head tells

    def end(self, chain: Chain) -> None:
        """What only shows at the end: a missing beginning, a missing end."""
        where = chain.files[-1][0] if chain.files else f"{chain.owner}.jsonl"
        head = Head.decode(chain.head) if chain.head is not None else None
        if self._begins is not None and self._whole:
            name, before = self._begins
            if not self._is_told(before):
                self._break(name, 1, f"the lines before number {before.seq + 1} are missing")
        if head is None:
            if self.records or chain.head is not None:
                self._break(f"{chain.owner}.head", 0, "is missing or damaged; it says how far the chain goes")
        elif head.seq > (self._previous or Head()).seq:
            self._break(where, 0, f"its end is missing: it has to go to line number {head.seq} at least")
        elif self._hashes.get(head.seq, head.hash) != head.hash:
            self._break(where, 0, f"line number {head.seq} is not the one that was written")

    def _line(self, name: str, number: int, line: bytes) -> None:
        try:
            record = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._break(name, number, "is not a line of an audit log")
            return
        if self._previous is None:
            before = Head(record.seq - 1, record.prev)
            if before != Head():
                self._begins = (name, before)
        elif record.seq != self._previous.seq + 1:
            self._break(name, number, f"has number {record.seq} after {self._previous.seq}: lines are missing or moved")
        elif record.prev != self._previous.hash:
            self._break(name, number, "does not follow from the line before it: that one, or this one, was changed")
        self._previous = Head(record.seq, hashlib.sha256(line).hexdigest())
        self._hashes[record.seq] = self._previous.hash
        self.records.append(record)

    def _is_told(self, before: Head) -> bool:
        """Whether the chain itself says that what came before was taken away for its age."""
        words = before.encode().decode().strip()
        return any(record.what == PRUNED and record.result == words for record in self.records)

    def _break(self, name: str, number: int, reason: str) -> None:
        if self.broken is None:
            self.broken = Broken(name, number, reason)


def merged(chains: Sequence[Sequence[Record]]) -> list[Record]:
    """Records of all owners by wall clock; those of one owner keep their order."""
    stamped: list[tuple[str, str, int, Record]] = []
    for records in chains:
        latest = ""
        for record in records:
            latest = max(latest, record.time)  # a clock that was set back must not turn an owner's order around
            stamped.append((latest, record.owner, record.seq, record))
    return [record for *_, record in sorted(stamped, key=lambda entry: entry[:3])]
