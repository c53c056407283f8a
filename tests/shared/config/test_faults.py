"""Mistakes in the settings one by one: the same as the text of the error says, with line and key apart."""

from pathlib import Path

import pytest

from shared.config.faults import faults_of, wrong
from shared.config.load import parse
from shared.errors import ConfigError, Fault

FILE = Path("/etc/metergate/metergate.toml")


def faults(content: bytes) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(content, FILE, {})
    assert str(caught.value) == str(wrong(FILE, caught.value.faults))
    return caught.value.faults


def test_every_mistake_has_its_line_and_key_in_the_order_of_the_lines() -> None:
    found = faults(b'[slave]\nworkers = 99\nprot = 1\n[[meter]]\nid = "a"\nsource = "x"\n')
    assert [(fault.line, fault.key) for fault in found] == [
        (2, "slave.workers"),
        (3, "slave.prot"),
        (6, "meter.source"),
    ]
    assert found[0].reason == "is 99, but must be a whole number from 1 to 16"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "the file is empty"),
        (b"[log]\n\xff", 2, "is not UTF-8 text"),
        (b"\xef\xbb\xbf[log]", 1, "begins with a byte order mark"),
        (b"[log]\n[slave", 2, "is not valid TOML: "),
        (b"[slave]\nport = " + b"1" * 5000, 2, "is not usable: a number of thousands"),
        (b"x = " + b"[" * 5000, 1, "is not usable"),
    ],
)
def test_what_is_wrong_with_the_text_as_a_whole_has_a_line_and_no_key(content: bytes, line: int, reason: str) -> None:
    (fault,) = faults(content)
    assert (fault.line, fault.key) == (line, "")
    assert fault.reason.startswith(reason)


def test_an_error_without_places_is_one_fault() -> None:
    assert faults_of(ConfigError("cannot be read")) == (Fault(0, "", "cannot be read"),)
    assert str(wrong(FILE, (Fault(0, "", "could not be checked"),))) == f"{FILE}: could not be checked"
