"""The list of certificates in short: every change is told, also one that leaves all counts as they are."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from services.console.hear import certificates
from services.console.hear.certificates import Certificates, listed
from shared.errors import PeerError
from tests.support import until

if TYPE_CHECKING:
    from services.console.api.models.events import Changed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks at once, and again at once."""
    monkeypatch.setattr(certificates, "GATHER_S", 0.0)
    monkeypatch.setattr(certificates, "PAUSE_S", 0.0)


def row(name: str, status: str, label: str = "", last_seen: str = "") -> dict[str, Any]:
    return {"fingerprint": name, "status": status, "grant": "", "label": label, "last_seen": last_seen}


class Manager:
    """Answers with what the test says, two rows a page."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.away = False
        self.state = ""
        self.asked = 0

    async def ask(self, _instance: str, _verb: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise PeerError("no answer")
        rest = [each for each in self.rows if each["fingerprint"] > args["after"]]
        return {"certificates": rest[:2], "more": len(rest) > 2}


def test_all_pages_are_asked_for() -> None:
    manager = Manager(*(row(name, "pending") for name in "abcde"))
    assert [each["fingerprint"] for each in asyncio.run(listed(manager.ask))] == list("abcde")


def test_each_change_is_told_and_no_two_are_alike() -> None:
    manager = Manager(row("a", "pending"), row("b", "accepted"))
    told: list[Changed] = []

    async def story() -> None:
        follows = Certificates(manager.ask, lambda: manager.state, lambda: told.append(follows.state()))
        running = asyncio.create_task(follows.run())

        async def said(count: int) -> None:
            follows.said()
            await until(lambda: len(told) == count, f"{count} changes")

        await said(1)
        manager.rows[1] = row("b", "accepted", label="Pump")
        await said(2)
        manager.rows.append(row("c", "ca"))
        await said(3)
        manager.rows[0] = row("a", "accepted")
        await said(4)
        asked = manager.asked
        follows.said()
        await until(lambda: manager.asked >= asked + 2, "the same again")
        manager.away = True
        follows.said()
        await until(lambda: manager.asked >= asked + 3, "no answer")
        running.cancel()

    asyncio.run(story())
    assert [(each.pending, each.accepted) for each in told] == [(1, 1), (1, 1), (1, 1), (0, 2)]
    assert len({each.changes for each in told}) == 4


def test_the_manager_comes_and_goes_and_each_of_its_states_is_told() -> None:
    manager = Manager()
    told: list[Changed] = []

    async def story() -> None:
        follows = Certificates(manager.ask, lambda: manager.state, lambda: told.append(follows.state()))
        running = asyncio.create_task(follows.run())

        async def becomes(state: str) -> None:
            manager.state, manager.away = state, state != "ready"
            count = len(told) + 1
            follows.said()
            await until(lambda: len(told) == count, f"{state} is told")

        await becomes("disabled")
        assert manager.asked == 0, "nobody is there to be asked"
        await becomes("starting")
        await becomes("ready")
        manager.rows = [row("a", "pending")]
        await becomes("ready")
        await becomes("stopping")
        await becomes("disabled")
        running.cancel()

    asyncio.run(story())
    assert [each.pending for each in told] == [0, 0, 0, 1, 1, 0]
    assert len({each.changes for each in told}) == 6
