import socket
from pathlib import Path

import pytest

from shared.config.load import parse
from supervisor import greeting
from supervisor.greeting import addresses, warnings
from supervisor.settings import Settings
from supervisor.spec import MEASUREMENT, PLAIN_SLAVE, ROLES, TLS_SLAVE

TWO_METERS = """
[[meter]]
id = "house"
source = "simulated"
[[meter]]
id = "barn"
unit = 2
source = "modbus"
[meter.modbus]
host = "192.0.2.7"
[slave]
host = "::"
port = 1502
"""


def settings(folder: Path, text: str) -> Settings:
    file = folder / "metergate.toml"
    file.write_text(text)
    return Settings(file)


def test_where_to_connect_and_what_is_not_real() -> None:
    config = parse(TWO_METERS.encode(), Path("/etc/metergate.toml"), {})
    assert list(addresses(config, ROLES)) == [
        "Modbus TCP on [::]:1502, unit 1 (house, SIMULATION), unit 2 (barn)",
        "the page is at http://127.0.0.1:8080/",
    ]


def test_a_container_names_no_address_that_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse(b'[slave]\nenabled = false\n[console]\nhost = "0.0.0.0"\n', Path("/etc/metergate.toml"), {})
    mark = tmp_path / "mark"
    monkeypatch.setattr(greeting, "CONTAINER_MARKS", (tmp_path / "another", mark))
    assert list(addresses(config, ROLES)) == [f"the page is at https://{socket.gethostname()}:8080/"]
    mark.touch()
    assert list(addresses(config, ROLES)) == [
        "the page is at https://127.0.0.1:8080/ of the host, or wherever it publishes port 8080 of this container"
    ]


def test_what_to_know_before_trusting_a_value(tmp_path: Path) -> None:
    simulated, example = warnings(settings(tmp_path, TWO_METERS), ROLES)
    assert simulated.startswith("SIMULATION: the values of meter house are invented")
    assert example == (
        f"{tmp_path}/metergate.toml:10: meter[2].modbus.host: is 192.0.2.7, an address for examples, at which nothing "
        "answers; give that of yours: `metergate config set meter[2].modbus.host ADDRESS`"
    )
    assert list(warnings(settings(tmp_path, TWO_METERS), (PLAIN_SLAVE,))) == []
    (none,) = warnings(settings(tmp_path, "[console]\nenabled = false\n"), ROLES)
    assert "exception 04" in none


@pytest.mark.parametrize(
    ("alongside", "expected"),
    [
        (
            "false",
            [
                "Modbus/TCP Security (TLS) on 0.0.0.0:802",
                "who connects with TLS is refused until you accept him: `metergate certs list`",
                "port 502 is closed while slave.tls is true: all connections are encrypted",
            ],
        ),
        (
            "true",
            [
                "Modbus TCP, for reading only, on 0.0.0.0:502",
                "Modbus/TCP Security (TLS) on 0.0.0.0:802",
                "who connects with TLS is refused until you accept him: `metergate certs list`",
            ],
        ),
    ],
)
def test_with_tls_it_says_which_door_is_closed(alongside: str, expected: list[str]) -> None:
    text = f"[slave]\ntls = true\nplain_alongside_tls = {alongside}\n"
    assert list(addresses(parse(text.encode(), Path("/etc/metergate.toml"), {}), (PLAIN_SLAVE, TLS_SLAVE))) == expected


def test_a_parked_role_is_not_said_to_answer() -> None:
    config = parse(TWO_METERS.encode(), Path("/etc/metergate.toml"), {})
    assert [text.partition(",")[0] for text in addresses(config, ROLES, {"console"})] == ["Modbus TCP on [::]:1502"]


def test_each_container_says_what_it_is_about() -> None:
    config = parse(TWO_METERS.encode(), Path("/etc/metergate.toml"), {})
    assert list(addresses(config, (MEASUREMENT,))) == []
    disabled = parse(b"[slave]\nenabled = false\n[console]\nenabled = false\n", Path("/etc/metergate.toml"), {})
    assert list(addresses(disabled, ROLES)) == []
