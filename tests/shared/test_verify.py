"""What settings refer to, checked by modules that are named, here and in a process of its own."""

import json
from pathlib import Path

import pytest

from shared.errors import EXIT_CONFIG, EXIT_DONE, ConfigError, Fault
from shared.verify import MOST_BYTES, _first, main, verify
from tests.support import Processes

MEASUREMENT = "services.measurement.verify"
TEXT = '[[meter]]\nid = "house"\nsource = "modbus"\n[meter.modbus]\nhost = "192.0.2.1"\nprofile = "{}"\n'


def test_a_mistake_is_named_with_line_and_key() -> None:
    path = Path("/etc/metergate.toml")
    verify([MEASUREMENT], TEXT.format("ksem").encode(), path)
    verify([], TEXT.format("kse").encode(), path)
    with pytest.raises(
        ConfigError, match=r"^/etc/metergate\.toml:6: meter\.modbus\.profile: there is no profile 'kse'"
    ):
        verify([MEASUREMENT], TEXT.format("kse").encode(), path)


def test_the_settings_to_check_may_lie_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, draft = tmp_path / "metergate.toml", tmp_path / "draft"
    path.write_text(TEXT.format("ksem"), encoding="utf-8")
    draft.write_text(TEXT.format("kse"), encoding="utf-8")
    environ = {"METERGATE_CONFIG": str(path)}
    assert main([MEASUREMENT], environ) == EXIT_DONE
    assert capsys.readouterr().out == ""
    assert main([MEASUREMENT], {**environ, "METERGATE_SETTINGS": str(draft)}) == EXIT_CONFIG
    ((line, key, reason),) = json.loads(capsys.readouterr().out)
    assert (line, key) == (6, "meter.modbus.profile")
    assert reason.startswith("there is no profile 'kse'")


def test_of_very_many_mistakes_the_first_are_said_and_the_others_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "metergate.toml"
    meters = (TEXT.format("k" * 60 + str(unit)).replace("house", f"m{unit}") for unit in range(256))
    path.write_text("".join(text.replace("[meter.", f"unit = {unit}\n[meter.") for unit, text in enumerate(meters)))
    assert main([MEASUREMENT], {"METERGATE_CONFIG": str(path)}) == EXIT_CONFIG
    said = capsys.readouterr().out
    assert len(said) < 60_000
    assert json.loads(said)[-1][1:] == ["", "from here on 206 mistakes more"]


def test_very_long_mistakes_are_said_as_far_as_there_is_room() -> None:
    long = Fault(1, "key", "x" * 20_000)
    assert _first((long,) * 2) == [long, long]
    assert _first((long,) * 5) == [long, long, Fault(0, "", "and 3 mistakes more")]
    assert _first((Fault(1, "key", "x" * MOST_BYTES),)) == [Fault(1, "key", "x" * MOST_BYTES)], "one at least"


def test_as_a_process(processes: Processes, tmp_path: Path) -> None:
    path = tmp_path / "metergate.toml"
    path.write_text(TEXT.format("kse"), encoding="utf-8")
    process = processes.python("-P", "-m", "shared.verify", MEASUREMENT, env={"METERGATE_CONFIG": str(path)})
    assert process.wait(20) == EXIT_CONFIG
    assert "there is no profile 'kse'" in process.output
