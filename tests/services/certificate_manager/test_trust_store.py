import os
import random
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.certificate_manager.trust_list import Entry, TrustList
from services.certificate_manager.trust_store import StoreError, TrustStore, decode, encode
from shared.errors import UnavailableError
from shared.tls.certificate import fingerprint
from tests.killed import writer
from tests.services.certificate_manager.made import der


def entry(name: str = "client", **changes: str) -> Entry:
    data = der(name)
    fields = {"status": "accepted", "grant": "rw", "label": name, **changes}
    return Entry(fingerprint=fingerprint(data), der=data, **fields)  # type: ignore[arg-type]


def loaded(state_dir: Path) -> tuple[set[str], str]:
    store = TrustStore(state_dir)
    return {each.fingerprint for each in store.load()}, store.fault


def test_what_was_written_is_read_again_and_a_person_can_read_it(tmp_path: Path) -> None:
    entries = [entry("heat pump"), entry("wall", grant="r"), entry("ca's", status="blocked", grant="")]
    TrustStore(tmp_path / "state").write(entries, 7)
    store = TrustStore(tmp_path / "state")
    assert (list(store.load()), store.log) == (entries, 7)
    path = tmp_path / "state" / "trust.json"
    assert '\n    "label": "heat pump",\n' in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["trust.json"]


def test_without_a_file_nothing_is_accepted_and_nothing_is_wrong(tmp_path: Path) -> None:
    assert loaded(tmp_path / "state") == (set(), "")


def test_it_is_durable_before_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        real_sync(descriptor)
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")

    def replace(path: Path, target: Path) -> Path:
        steps.append(f"rename {path.name} {target.name}")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    TrustStore(tmp_path).write([entry()])
    assert steps == ["sync trust.json.new", "rename trust.json.new trust.json", f"sync {tmp_path.name}"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_means_that_nothing_is_accepted(data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    match data.draw(st.sampled_from(["flip", "cut", "zeros"])):
        case "flip":
            content[data.draw(st.integers(0, len(content) - 2))] ^= data.draw(st.integers(1, 255))
        case "cut":
            del content[data.draw(st.integers(0, len(content) - 2)) :]
        case _:
            at = data.draw(st.integers(0, len(content) - 2))
            content[at : at + 512] = bytes(min(512, len(content) - at))
    try:
        found = decode(bytes(content))
    except ValueError:
        return
    assert found == decode(WHOLE), "only what means the same may pass, e.g. another space"


WHOLE = encode([entry("one"), entry("two", grant="r")], 25)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (WHOLE[:-40], "truncated"),
        (WHOLE.replace(b'"grant": "r"', b'"grant": "rw"', 1), "checksum"),
        (b"", "truncated"),
        (WHOLE.replace(b'"log": 25', b'"log": 26'), "checksum"),
        (WHOLE.replace(b'"format": 1', b'"format": 2'), "its format is 2, not 1"),
        (encode([entry(grant="")]), "is accepted with grant ''"),
        (encode([Entry(fingerprint="ab" * 32, status="accepted", grant="rw", der=der())]), "is another one"),
    ],
)
def test_a_damaged_file_is_kept_aside_and_no_older_copy_takes_its_place(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "trust.json"
    (tmp_path / "trust.json.new").write_bytes(WHOLE)
    (tmp_path / "trust.json.old").write_bytes(WHOLE)
    path.write_bytes(content)
    accepted, fault = loaded(tmp_path)
    assert accepted == set()
    assert reason in fault
    (aside,) = tmp_path.glob("trust.json.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in fault
    assert loaded(tmp_path) == (set(), "")
    path.write_bytes(content)
    loaded(tmp_path)
    assert len(list(tmp_path.glob("trust.json.damaged-*"))) == 2, "an earlier one is not overwritten"


def test_what_cannot_be_read_is_not_taken_for_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trust.json"
    path.write_bytes(encode([]))

    def failing(_: Path) -> bytes:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_bytes", failing)
        with pytest.raises(UnavailableError, match=r"trust\.json cannot be used \(Input/output error\)"):
            TrustStore(tmp_path).load()
    assert [each.name for each in tmp_path.iterdir()] == ["trust.json"]


def test_what_cannot_be_put_aside_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trust.json").write_bytes(b"damaged")

    def refuse(*_: object) -> Path:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    store = TrustStore(tmp_path)
    assert len(store.load()) == 0
    assert "cannot be put aside (Read-only file system)" in store.fault
    with pytest.raises(StoreError, match="cannot be put aside"):
        store.write([entry()])
    assert (tmp_path / "trust.json").read_bytes() == b"damaged"


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot write .*trust\.json: (File exists|Not a directory)"):
        TrustStore(tmp_path / "state").write([entry()])


WRITER = """
from services.certificate_manager.trust_list import TrustList
from services.certificate_manager.trust_store import TrustStore, decode

pool = decode(Path(sys.argv[2]).read_bytes()).entries

def write():
    store = TrustStore(Path(sys.argv[1]))
    trust = store.load()
    number = int.from_bytes(os.urandom(2), "big")
    while True:
        number += 1
        entry = pool[number % len(pool)]
        known = trust.get(entry.fingerprint) is not None
        word = "delete" if known else "accept"
        tell("begin", word, entry.fingerprint)
        trust = trust.without(entry.fingerprint) if known else trust.having(entry)
        store.write(trust)
        tell("done", word, entry.fingerprint)  # the acknowledgement
"""


@pytest.mark.system
def test_kill_9_at_any_moment_loses_no_accepted_one_and_brings_no_deleted_one_back(tmp_path: Path) -> None:
    state, pool = tmp_path / "state", tmp_path / "pool"
    pool.write_bytes(encode(entry(f"client {number}") for number in range(12)))
    chance = random.Random(3)
    sure: dict[str, bool] = {}
    decided = 0
    with writer(WRITER, state, pool) as writes:
        for _ in range(80):
            told = writes.life(chance.randrange(1, 6), 0.006)
            sure |= {name: word == "accept" for state_, word, name in told if state_ == "done"}
            decided += sum(words[0] == "done" for words in told)
            open_ = told[-1] if told[-1][0] == "begin" else []
            accepted, fault = loaded(state)
            assert fault == ""
            for name, is_accepted in sure.items():
                if open_ and name == open_[2]:
                    continue  # begun and not acknowledged: either is right
                assert (name in accepted) is is_accepted
            assert accepted <= {*sure, *([open_[2]] if open_ else [])}
            if open_:
                sure[open_[2]] = open_[2] in accepted
    assert decided > 40


def test_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.certificate_manager.trust_list.MAX_ACCEPTED", 3)
    trust = TrustList([entry("1"), entry("2"), entry("3")])
    with pytest.raises(Exception, match="3 certificates are accepted already; delete or unblock some first"):
        trust.having(entry("4"))
    first = next(iter(trust))
    assert len(trust.having(first)) == 3
