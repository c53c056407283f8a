from pathlib import Path

from services.console.in_force import InForce
from shared.config.load import load

TEXT = '[[meter]]\nid = "house"\nsource = "simulated"\n'


def test_the_copy_in_force_is_followed_not_the_file(tmp_path: Path) -> None:
    file, copy = tmp_path / "metergate.toml", tmp_path / "supervisor.toml"
    file.write_text(TEXT, encoding="utf-8")
    copy.write_text(TEXT, encoding="utf-8")
    environ = {"METERGATE_CONFIG": str(file), "METERGATE_SETTINGS": str(copy)}
    in_force = InForce(load(file, environ), environ)
    assert not in_force.look()
    file.write_text("wrong = 1", encoding="utf-8")
    assert not in_force.look()
    copy.write_text(TEXT.replace("house", "barn"), encoding="utf-8")
    assert in_force.look()
    meter = in_force.meter(None)
    assert meter is not None
    assert meter.id == "barn"
    assert in_force.meter("house") is None
    copy.write_text("wrong = 1", encoding="utf-8")
    assert not in_force.look()
    copy.unlink()
    assert not in_force.look()
    assert in_force.meter("barn") is not None


def test_by_hand_it_is_the_file_itself(tmp_path: Path) -> None:
    file = tmp_path / "metergate.toml"
    file.write_text(TEXT, encoding="utf-8")
    environ = {"METERGATE_CONFIG": str(file)}
    in_force = InForce(load(file, environ), environ)
    file.write_text(TEXT + "# a remark\n", encoding="utf-8")
    assert not in_force.look(), "it means the same"
    file.write_text(TEXT + "[slave]\nport = 1503\n", encoding="utf-8")
    assert in_force.look()
    assert in_force.config.slave.port == 1503
