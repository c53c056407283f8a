from hypothesis import given
from hypothesis import strategies as st

from services.console.security.hosts import Hosts

HOSTS = Hosts(["gateway.lan", "Meter.Example."])


def test_which_names_are_ours() -> None:
    for own in (
        "localhost", "LOCALHOST:1", "a.local", "192.168.0.2:8080", "[fe80::1%eth0]:8080", "[::1]", "gateway.lan",
        "meter.example:443", "gateway.lan.:80",
    ):  # fmt: skip
        assert HOSTS.refusal(own) == "", own
    for foreign in (
        "", ":80", "evil.example", "gateway.lan.evil.example", "local", "127.0.0.1.nip.io", "[::1", "gateway.lan:x",
        "gateway.lan:80:80", "a b", "127.0.0.1@evil.example",
    ):  # fmt: skip
        assert HOSTS.refusal(foreign), foreign


@given(st.text(max_size=80))
def test_whatever_comes_is_judged(header: str) -> None:
    assert isinstance(HOSTS.refusal(header), str)
    assert HOSTS.refusal(f"{header}.evil.example"), "a foreign name is never ours, whatever stands before it"
