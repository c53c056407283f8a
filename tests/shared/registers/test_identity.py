import re
import tomllib
from pathlib import Path

from shared.config.model import Identity as Settings
from shared.config.model import Meter, Modbus
from shared.registers.identity import SOFTWARE_VERSION, Identity, device_objects, identity_of

ROOT = Path(__file__).parents[3]

REAL = Meter(id="house", source="modbus", modbus=Modbus(host="192.0.2.1"), unit=7, cycle_ms=500)
INVENTED = Meter(id="demo", source="simulated")


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == SOFTWARE_VERSION


def test_without_anything_we_say_who_we_are() -> None:
    identity = identity_of(REAL)
    assert (identity.manufacturer, identity.model, identity.version) == ("metergate", "metergate", SOFTWARE_VERSION)
    assert (identity.serial_number, identity.unit, identity.interval_ms) == ("house", 7, 500)
    assert identity.firmware_version == 0x0001


def test_what_the_source_says_comes_before_us_and_the_settings_before_it() -> None:
    said = {"manufacturer": "ACME", "model": "M1", "version": "v2.13.4", "serial_number": "123"}
    identity = identity_of(REAL, said)
    assert (identity.manufacturer, identity.model, identity.serial_number) == ("ACME", "M1", "123")
    assert (identity.version, identity.firmware_version) == ("v2.13.4", 0x020D)
    own = Settings(manufacturer="Own", model="KOSTAL Smart Energy Meter", version="3", serial_number="9")
    meter = Meter(id="house", source="replay", identity=own)
    identity = identity_of(meter, said)
    assert (identity.manufacturer, identity.model) == ("Own", "KOSTAL Smart Energy Meter")
    assert (identity.serial_number, identity.firmware_version) == ("9", 0x0300)


def test_invented_values_say_so_whatever_the_settings() -> None:
    meter = Meter(id="demo", source="simulated", identity=Settings(model="KOSTAL Smart Energy Meter"))
    assert identity_of(meter).model == "SIMULATION KOSTAL Smart Energy Meter"
    assert identity_of(INVENTED, {"model": "SIMULATION household"}).model == "SIMULATION household"
    assert identity_of(REAL, {"model": "M1"}, simulated=True).model == "SIMULATION M1"


def test_a_sample_says_better_than_the_settings_whether_it_is_invented() -> None:
    assert identity_of(REAL, simulated=True).model.startswith("SIMULATION")
    assert not identity_of(INVENTED, simulated=False).model.startswith("SIMULATION")


def test_a_version_that_has_no_number_or_too_large_ones() -> None:
    assert identity_of(REAL, {"version": "beta"}).firmware_version == 0x0001
    assert identity_of(REAL, {"version": "999.1000"}).firmware_version == 0xFFFF


def test_device_identification_has_the_basic_objects_and_fits_its_answer() -> None:
    objects = device_objects(Identity(manufacturer="Ä" * 100, model="m", version="1.2", meter="house"))
    assert objects == {0: "Ä" * 16, 1: "0x4842", 2: "1.2", 4: "m", 5: "m", 6: "house"}
    assert re.fullmatch("SIMULATION.*", device_objects(identity_of(INVENTED))[4])
