"""Addresses of receivers: hosts and URLs, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.config.receiver import Receiver, receiver


@pytest.mark.parametrize(
    ("address", "port", "tls", "expected"),
    [
        ("plc.local", None, False, Receiver("modbus", "plc.local", 502)),
        ("plc.local", None, True, Receiver("mbaps", "plc.local", 802)),
        ("plc.local", 1502, False, Receiver("modbus", "plc.local", 1502)),
        ("192.0.2.7:1502", None, False, Receiver("modbus", "192.0.2.7", 1502)),
        ("2001:db8::7", None, False, Receiver("modbus", "2001:db8::7", 502)),
        ("[2001:db8::7]:1502", None, False, Receiver("modbus", "2001:db8::7", 1502)),
        ("[2001:db8::7]", 1502, False, Receiver("modbus", "2001:db8::7", 1502)),
        ("fe80::1%eth0", None, False, Receiver("modbus", "fe80::1%eth0", 502)),
        ("modbus://plc.local:1502", None, False, Receiver("modbus", "plc.local", 1502)),
        ("modbus://plc.local:1502", 1502, False, Receiver("modbus", "plc.local", 1502)),
        ("MBAPS://[::1]", None, False, Receiver("mbaps", "::1", 802)),
        ("mbaps://plc.local/", None, True, Receiver("mbaps", "plc.local", 802)),
        ("http://web.example", None, False, Receiver("http", "web.example", 80, "/")),
        ("https://web.example:8443/in?site=7", None, False, Receiver("https", "web.example", 8443, "/in?site=7")),
        ("https://web.example", 8443, True, Receiver("https", "web.example", 8443, "/")),
    ],
)
def test_what_an_address_means(address: str, port: int | None, tls: bool, expected: Receiver) -> None:
    found = receiver(address, port, tls=tls)
    assert found == expected
    assert receiver(found.url, None, tls=False) == found


@pytest.mark.parametrize(
    ("address", "port", "tls", "said"),
    [
        ("", None, False, "give an IP address"),
        ("two words", None, False, "give an IP address"),
        ("300.1.1.1", None, False, "is no IPv4 address"),
        ("192.0.2.7%eth0", None, False, "only an IPv6 address has a zone"),
        ("plc:", None, False, "the port behind the colon is a number"),
        ("plc:x", None, False, "the port behind the colon is a number"),
        ("plc:0", None, False, "a port is a number from 1 to 65535"),
        ("plc:70000", None, False, "a port is a number from 1 to 65535"),
        ("[::1", None, False, "write an IPv6 address as"),
        ("[::1]x", None, False, "write an IPv6 address as"),
        ("ftp://plc", None, False, "'ftp' is none of modbus, mbaps, http, https"),
        ("modbus://plc:1502", 502, False, "give the port once"),
        ("modbus://plc", None, True, "write mbaps:// instead"),
        ("http://web", None, True, "write https:// instead"),
        ("modbus://plc/path", None, False, "a Modbus slave has no path"),
        ("modbus://plc:99999", None, False, "no URL"),
        ("https://me:secret@web/", None, False, "use token_file or hmac_file"),
        ("https://web/#part", None, False, "leave it out"),
        ("https://web/a b", None, False, "written as %XX"),
        ("https://web/ü", None, False, "written as %XX"),
    ],
)
def test_what_is_none(address: str, port: int | None, tls: bool, said: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|holds) ") as caught:
        receiver(address, port, tls=tls)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=40), st.one_of(st.none(), st.integers(1, 65535)), st.booleans())
def test_nothing_but_a_clear_no_comes_of_nonsense(address: str, port: int | None, tls: bool) -> None:
    try:
        found = receiver(address, port, tls=tls)
    except ValueError as error:
        assert str(error)  # noqa: PT017  # both outcomes are right; only one has a text
    else:
        assert 1 <= found.port <= 65535
        assert found.host


def test_what_it_is_for() -> None:
    assert [receiver(f"{scheme}://h", None, tls=False).web for scheme in ("modbus", "mbaps", "http", "https")] == [
        False, False, True, True,
    ]  # fmt: skip
    assert [receiver(f"{scheme}://h", None, tls=False).tls for scheme in ("modbus", "mbaps", "http", "https")] == [
        False, True, False, True,
    ]  # fmt: skip
