"""A receiver is tried by a process of its own, which ends in any case."""

import asyncio
import sys
from pathlib import Path

import pytest

from services.console.trial import MOST_WAITING, START_S, Trial
from tests.support import is_alive, until


def trial(code: str) -> Trial:
    return Trial(Path("metergate.toml"), (sys.executable, "-c", code))


def test_what_the_command_line_says_is_the_answer() -> None:
    took = "import sys; assert sys.argv[1:] == ['slaves', 'test', '3', '--config', 'metergate.toml']; print('took it')"
    assert asyncio.run(trial(took).run(3, 1)) == (True, "took it")
    refused = "import sys; print('metergate: plc: refused', file=sys.stderr); sys.exit(1)"
    assert asyncio.run(trial(refused).run(1, 1)) == (False, "plc: refused")
    assert asyncio.run(trial("import sys; sys.exit(3)").run(1, 1)) == (False, "it ended with exit code 3")


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    endless = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"

    async def cancelled() -> None:
        task = asyncio.create_task(trial(endless).run(1, 60))
        await until(lambda: file.exists() and file.read_text(), "its pid", 20)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancelled())
    assert not is_alive(int(file.read_text()))
    assert asyncio.run(trial("import time; time.sleep(600)").run(1, 0.5 - START_S)) == (False, "no answer within 0.5 s")


def test_what_lies_where_the_gateway_was_started_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "supervisor").mkdir()
    (tmp_path / "supervisor" / "__init__.py").write_text("print('a stranger'); raise SystemExit")
    monkeypatch.chdir(tmp_path)
    ok, text = asyncio.run(Trial(tmp_path / "none.toml").run(1, 60))
    assert not ok
    assert "none.toml" in text


def test_few_wait_for_their_turn() -> None:
    async def many() -> list[tuple[bool, str]]:
        one = trial("print('took it')")
        return await asyncio.gather(*(one.run(1, 60) for _ in range(MOST_WAITING + 2)))

    answers = asyncio.run(many())
    assert [ok for ok, _ in answers] == [True] * MOST_WAITING + [False] * 2
    assert "try again" in answers[-1][1]
