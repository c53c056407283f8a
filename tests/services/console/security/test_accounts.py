"""The users file: whole or not at all; a damaged one is never overwritten."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.security.accounts import Accounts, SessionEntry, TokenEntry, UserEntry, digest
from shared.errors import RefusedError

OWNER = UserEntry(name="owner", password="scrypt$...", scope="admin", created=1.0)
TOKEN = TokenEntry(id="ab", name="x", hash=digest("mg_secret"), scope="read", created=1.0, created_by="owner")


def session(user: str, number: int = 1) -> SessionEntry:
    return SessionEntry(
        id=f"{number:016x}",
        hash=digest(f"s{number}"),
        csrf="c",
        user=user,
        address="",
        agent="",
        created=1.0,
        expires=9.0,
    )


def filled(folder: Path) -> Accounts:
    accounts = Accounts(folder / "console")
    accounts.users = {"owner": OWNER}
    accounts.tokens = {TOKEN.hash: TOKEN}
    accounts.sessions = {each.hash: each for each in (session("owner"), session("gone", 2))}
    accounts.write(accounts.content())
    return accounts


def test_what_was_written_is_there_again_for_its_owner_alone(tmp_path: Path) -> None:
    accounts = filled(tmp_path)
    again = Accounts(tmp_path / "console")
    assert (again.users, again.tokens) == (accounts.users, accounts.tokens)
    assert list(again.sessions.values()) == [session("owner")], "a session without its user is none"
    assert accounts.path.stat().st_mode & 0o777 == 0o600
    assert accounts.path.parent.stat().st_mode & 0o777 == 0o700


def test_every_damage_is_seen_and_nothing_is_written_over_it(tmp_path: Path) -> None:
    path = filled(tmp_path).path
    content = path.read_bytes()

    @given(st.integers(0, len(content) - 2), st.integers(1, 255))
    def flipped(place: int, change: int) -> None:
        path.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])
        damaged = Accounts(path.parent)
        assert damaged.fault
        assert not damaged.users
        with pytest.raises(RefusedError, match="cannot be used"):
            damaged.write(b"")

    flipped()
    for cut in (0, 1, len(content) // 2):
        path.write_bytes(content[:cut])
        assert Accounts(path.parent).fault


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "console" / "users.json").mkdir(parents=True)
    assert "nobody can sign in" in Accounts(tmp_path / "console").fault
