from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.audit.check import Chain, load, merged, owners, verify, written_after
from shared.audit.log import AuditLog
from shared.audit.record import Who, rotated


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    state_dir = tmp_path_factory.mktemp("state")
    log = AuditLog(state_dir, "tls-slave", file_bytes=1500)
    for number in range(14):
        log.append(Who("cli"), "certificate.label", str(number), "done")
    log.close()
    chain = load(state_dir, "tls-slave")
    assert len(chain.files) == 3
    return chain


def with_file(chain: Chain, index: int, content: bytes | None) -> Chain:
    files = list(chain.files)
    if content is None:
        del files[index]
    else:
        files[index] = (files[index][0], content)
    return Chain(chain.owner, tuple(files), chain.head)


def edited(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"done"', b'"not!"'), *lines[2:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


def removed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def repeated(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[0], *lines[1:]]


def shortened(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1][:-9], *lines[2:]]


def test_an_untouched_chain_is_whole(chain: Chain) -> None:
    records, broken = verify(chain)
    assert broken is None
    assert [record.target for record in records] == [str(number) for number in range(14)]


@pytest.mark.parametrize("tamper", [edited, swapped, removed, repeated, shortened])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_tampering_shows_with_file_and_line(
    chain: Chain, index: int, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    name, content = chain.files[index]
    changed = tamper(content.splitlines())
    _, broken = verify(with_file(chain, index, b"".join(line + b"\n" for line in changed)))
    assert broken is not None
    assert broken.reason
    places = {name} | ({chain.files[index + 1][0]} if index < 2 else set())
    assert broken.file in places
    assert broken.line in {0, 1, 2, 3}


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_missing_file_shows(chain: Chain, index: int) -> None:
    _, broken = verify(with_file(chain, index, None))
    assert broken is not None


def test_lost_ends_show_in_each_file(chain: Chain) -> None:
    for index, (_, content) in enumerate(chain.files):
        for cut in (1, 30, 300):
            assert verify(with_file(chain, index, content[:-cut]))[1] is not None, (index, cut)


def test_everything_gone_but_the_head_shows(chain: Chain) -> None:
    _, broken = verify(Chain("tls-slave", (), chain.head))
    assert str(broken) == "tls-slave.jsonl: its end is missing: it has to go to line number 14 at least"
    assert verify(Chain("tls-slave", (), None))[1] is None


def test_a_line_rewritten_at_the_end_does_not_fit_the_head(chain: Chain) -> None:
    _, content = chain.files[-1]
    _, broken = verify(with_file(chain, 2, content.replace(b'"target":"13"', b'"target":"99"')))
    assert broken is not None
    assert "is not the one that was written" in broken.reason


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_shows(chain: Chain, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, 2))
    content = bytearray(chain.files[index][1])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    assert verify(with_file(chain, index, bytes(content)))[1] is not None


@pytest.mark.parametrize("seq", [0, 1, 5, 13, 14, 99])
def test_lines_after_a_number_are_found_across_files(tmp_path: Path, seq: int) -> None:
    log = AuditLog(tmp_path, "tls-slave", file_bytes=1500)
    for number in range(1, 15):
        log.append(Who("cli"), "write", f"{number}", "done")
    log.close()
    assert len(rotated(tmp_path / "audit", "tls-slave")) > 1
    assert [record.target for record in written_after(tmp_path, "tls-slave", seq)] == [
        f"{number}" for number in range(seq + 1, 15)
    ]


def test_the_logs_of_all_owners_are_merged_by_time(tmp_path: Path) -> None:
    for owner in ("tls-slave", "register-store", "tls-slave.2"):
        AuditLog(tmp_path, owner, file_bytes=300).close()
    assert owners(tmp_path) == ["register-store", "tls-slave", "tls-slave.2"]
    logs = [AuditLog(tmp_path, owner) for owner in owners(tmp_path)]
    first, second = (logs[index].append(Who("cli"), "a", "b", "c") for index in (0, 1))
    early = msgspec.structs.replace(first, time="2026-11-01T10:00:00.000+00:00")
    late = msgspec.structs.replace(second, time="2026-11-01T10:00:01.000+00:00")
    back = msgspec.structs.replace(second, seq=2, time="2026-11-01T09:00:00.000+00:00")
    assert merged([[late, back], [early]]) == [early, late, back]
    for log in logs:
        log.close()


def test_the_newest_files_alone_are_checked_from_where_they_begin(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "tls-slave", file_bytes=1500)
    for number in range(14):
        log.append(Who("cli"), "certificate.label", str(number), "done")
    log.close()
    part = load(tmp_path, "tls-slave", 2)
    assert len(part.files) == 2
    records, broken = verify(part, whole=False)
    assert broken is None
    assert records[-1].target == "13"
    assert verify(part)[1] is not None, "as the whole, its beginning is missing"
    changed = with_file(part, 0, part.files[0][1].replace(b'"done"', b'"not!"', 1))
    assert verify(changed, whole=False)[1] is not None
