"""The settings file as the console changes it: nobody's change is lost, nothing wrong is written, all is noted."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.console.api.errors import ApiError
from services.console.security.caller import Caller
from services.console.settings_file import SettingsFile, revision_of
from services.console.supervisors import Verdict
from shared.errors import Fault, RefusedError

ANNA = Caller(address="192.0.2.7", user="anna", scopes=("admin",))
TEXT = '# ours\n[slave]\nport = 1502  # no privilege\n\n[[meter]]\nid = "house"\nsource = "simulated"\n'


class Around:
    """What a settings file needs, and what it did with it."""

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        self.path = folder / "metergate.toml"
        self.path.write_text(text)
        self.verdict = Verdict(restarts=("plain-slave",), starts=("tls-slave",))
        self.notes: list[tuple[str, str, str]] = []
        self.told: list[str] = []
        self.checked: list[str] = []
        self.reloads = self.changes = 0
        self.by_hand = ""
        self.file = SettingsFile(self.path, self, self._note, self._tell, self._changed)  # type: ignore[arg-type]

    async def check(self, text: str) -> Verdict:
        self.checked.append(text)
        if self.by_hand:
            self.path.write_text(self.by_hand)
        return self.verdict

    async def reload(self) -> None:
        self.reloads += 1

    def _note(self, caller: Caller, what: str, target: str, result: str) -> None:
        assert (caller, what) == (ANNA, "settings.change")
        self.notes.append((what, target, result))

    def _tell(self, kind: str, text: str, **data: Any) -> None:
        assert (kind, data["by"]) == ("settings.change", "console:anna")
        self.told.append(text)

    def _changed(self) -> None:
        self.changes += 1


def story(tell: Callable[[Around], Coroutine[Any, Any, None]], around: Around) -> None:
    asyncio.run(tell(around))


async def refused(around: Around, change: Callable[[str], str], revision: str | None = None) -> ApiError:
    before = around.path.read_bytes()
    with pytest.raises(ApiError) as caught:
        await around.file.apply(ANNA, change, revision)
    assert around.path.read_bytes() == before
    assert around.told == []
    return caught.value


def test_a_change_is_checked_noted_written_told_and_taken_over(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        done = await around.file.patch(ANNA, {"slave.port": 502, "slave.tls": True}, revision_of(TEXT.encode()))
        text = around.path.read_text()
        assert "port = 502  # no privilege" in text
        assert around.checked == [text]
        assert around.notes == [("settings.change", "slave.port, slave.tls", f"revision {done.revision}")]
        assert around.told == ["settings changed by console:anna: slave.port, slave.tls"]
        assert (done.revision, done.restarts) == (revision_of(text.encode()), ("plain-slave",))
        assert done.text == "starts: tls-slave"
        assert (around.file.revision, around.changes) == (done.revision, 1)
        assert around.file.config is not None
        assert around.file.config.slave.port == 502
        assert around.reloads == 0, "the answer goes out first"
        await asyncio.gather(*around.file._later)
        assert around.reloads == 1

    story(tell, Around(tmp_path))


def test_what_changes_nothing_does_nothing(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        done = await around.file.patch(ANNA, {"slave.port": 1502, "log.level": None})
        assert (done.text, done.revision) == ("nothing changes", revision_of(TEXT.encode()))
        assert (around.checked, around.notes, around.changes) == ([], [], 0)

    story(tell, Around(tmp_path))


def test_a_wrong_change_is_refused_with_line_and_key(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        error = await refused(around, lambda text: text.replace("1502", "0"))
        assert (error.status, error.where) == (422, "slave.port")
        assert str(error).startswith("line 3: slave.port: is 0, but must be")
        assert "not valid TOML" in str(await refused(around, lambda _: "[slave"))
        with pytest.raises(RefusedError, match="there is no meter"):
            await around.file.patch(ANNA, {"meter[5].unit": 1})
        around.verdict = Verdict(faults=(Fault(7, "meter.modbus.profile", "there is no profile"),))
        error = await refused(around, lambda text: text + "# more\n")
        assert (str(error), error.where) == (
            "line 7: meter.modbus.profile: there is no profile",
            "meter.modbus.profile",
        )

    story(tell, Around(tmp_path))


def test_nobody_s_change_is_lost(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        error = await refused(around, lambda text: text + "# mine\n", "0" * 64)
        assert (error.status, error.code) == (409, "conflict")
        around.by_hand = TEXT + "# by hand\n"
        with pytest.raises(RefusedError, match="changed meanwhile"):
            await around.file.apply(ANNA, lambda text: text + "# mine\n")
        assert around.path.read_text() == TEXT + "# by hand\n"
        assert around.notes[-1][2].startswith("not written: ")

    story(tell, Around(tmp_path))


def test_two_changes_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        await asyncio.gather(*(around.file.patch(ANNA, {key: 7}) for key in ("slave.workers", "meter.unit")))
        assert around.file.config is not None
        assert (around.file.config.slave.workers, around.file.config.meter[0].unit) == (7, 7)

    story(tell, Around(tmp_path))


def test_a_wrong_file_can_be_cured_and_one_that_is_no_text_is_told(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        around.path.write_text("[slave\n")
        assert around.file.look()
        assert (around.file.config, "not valid TOML" in around.file.error) == (None, True)
        await around.file.put(ANNA, TEXT, around.file.revision)
        assert (around.file.error, around.notes[0][1]) == ("", "the whole file")
        around.path.write_bytes(b"# \xff")
        with pytest.raises(ApiError, match="is not UTF-8") as caught:
            await around.file.patch(ANNA, {"slave.port": 1})
        assert caught.value.status == 422
        assert around.file.look()
        await around.file.put(ANNA, TEXT, around.file.revision)
        assert around.path.read_text() == TEXT

    story(tell, Around(tmp_path))


def test_a_draft_is_judged_and_nothing_happens(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        checked = await around.file.check(TEXT, {"slave.port": 502, "meter[2].id": "b", "meter[2].source": "simulated"})
        (mistake,) = checked.errors
        assert (mistake.key, "is 1 like that of meter 1" in mistake.text) == ("meter[2].unit", True)
        assert checked.restarts == ()
        assert {each.key: each.value for each in checked.values}["meter[2].id"] == "b"
        assert "+port = 502  # no privilege" in checked.diff
        right = await around.file.check(checked.text, {"meter[2].unit": 2})
        assert right.errors == ()
        assert (right.restarts, right.notes) == (("plain-slave",), ("starts: tls-slave",))
        assert {each.key: each.value for each in right.values}["meter[2].unit"] == 2
        nowhere = await around.file.check(TEXT, {"meter[7].unit": 2})
        assert [(each.line, each.key) for each in nowhere.errors] == [(0, "meter[7].unit")]
        broken = await around.file.check("[slave", {"slave.port": 1})
        assert [each.line for each in broken.errors] == [1]
        assert around.path.read_text() == TEXT

    story(tell, Around(tmp_path))


def test_advice_comes_with_its_line_and_refuses_nothing(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        example = {"meter[1].source": "modbus", "meter[1].modbus.host": "192.0.2.20"}
        checked = await around.file.check(TEXT, example)
        (known,) = checked.warnings
        assert (checked.errors, known.key) == ((), "meter.modbus.host")
        assert checked.text.splitlines()[known.line - 1] == 'host = "192.0.2.20"'
        assert known.text.startswith("is 192.0.2.20, an address for examples")
        assert (await around.file.check(TEXT, {})).warnings == ()
        wrong = await around.file.check(TEXT, {**example, "slave.port": 0})
        assert (len(wrong.errors), wrong.warnings) == (1, ())
        (said,) = (await around.file.patch(ANNA, example)).warnings
        assert said == f"{known.key}: {known.text}"
        assert (await around.file.patch(ANNA, {"slave.port": 1503})).warnings == (), "it was known before"

    story(tell, Around(tmp_path))


def test_it_says_when_the_page_itself_is_concerned(tmp_path: Path) -> None:
    async def tell(around: Around) -> None:
        around.verdict = Verdict(restarts=("console",))
        assert (await around.file.check(TEXT, {})).notes[0].endswith("it is back within seconds")
        moved = await around.file.check(TEXT, {"console.port": 8099})
        assert moved.notes[0].endswith("it is back within seconds, at http://127.0.0.1:8099/")
        opened = await around.file.check(TEXT, {"console.host": "::"})
        assert opened.notes[0].endswith("it is back within seconds, at port 8080, by https")
        around.verdict = Verdict(stops=("console",))
        assert "goes on without it" in (await around.file.check(TEXT, {})).notes[1]

    story(tell, Around(tmp_path))


@pytest.mark.parametrize(("who", "writable"), [("its user", True), ("another user", False), ("nobody", False)])
def test_whether_it_can_be_changed_is_known_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, *, writable: bool
) -> None:
    around = Around(tmp_path)
    if who == "another user":
        monkeypatch.setattr(os, "geteuid", lambda: around.path.stat().st_uid + 1)
    if who == "nobody":
        monkeypatch.setattr(os, "access", lambda *_: False)
    assert around.file.writable is writable


def test_a_file_that_is_away_is_told_and_seen_again(tmp_path: Path) -> None:
    around = Around(tmp_path)
    around.path.unlink()
    assert around.file.look()
    assert (around.file.writable, "cannot be read" in around.file.error) == (False, True)
    assert not around.file.look()
    around.path.write_text(TEXT)
    assert around.file.look()
    assert around.file.error == ""


def test_a_file_that_looks_the_same_is_read_all_the_same_where_it_was_touched(tmp_path: Path) -> None:
    around = Around(tmp_path)
    before = around.path.stat()
    around.path.write_text(TEXT.upper())
    os.utime(around.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert around.path.stat().st_size == before.st_size
    assert around.file.look()
