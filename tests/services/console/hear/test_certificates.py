"""The list of certificates is asked for when something was said, and pages hear of what changed."""

import asyncio
from typing import Any

from services.console.hear.certificates import Certificates
from shared.errors import PeerError
from tests.support import until


class Manager:
    """Answers `list`."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked = 0
        self.away = False

    async def ask(self, instance: str, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        assert (instance, verb) == ("certificate-manager", "list")
        self.asked += 1
        if self.away:
            raise PeerError("no answer")
        rows = [
            row for row in sorted(self.rows, key=lambda row: row["fingerprint"]) if row["fingerprint"] > args["after"]
        ]
        return {"certificates": rows[:64], "more": len(rows) > 64}


def row(number: int, status: str = "pending") -> dict[str, Any]:
    return {"fingerprint": f"{number:064x}", "status": status, "grant": "", "label": "", "last_seen": "1"}


def test_what_came_is_told_and_what_is_as_before_is_not() -> None:
    async def story() -> None:
        manager, told = Manager(), []
        certificates = Certificates(manager.ask, lambda: told.append(certificates.state()))
        work = asyncio.create_task(certificates.run())
        manager.rows = [row(number) for number in range(100)]
        certificates.said()
        await until(lambda: told)
        assert (told[-1].pending, told[-1].accepted) == (100, 0), "all pages were asked for"
        manager.rows[0]["last_seen"] = "2"
        asked = manager.asked
        certificates.said()
        await until(lambda: manager.asked >= asked + 2)
        await until(lambda: not certificates._said.is_set())
        assert len(told) == 1, "seen again is no news within seconds"
        manager.rows[0] |= {"status": "accepted", "grant": "rw"}
        certificates.said()
        await until(lambda: len(told) == 2)
        assert (told[-1].pending, told[-1].accepted) == (99, 1)
        work.cancel()

    asyncio.run(story())


def test_a_manager_that_is_away_is_asked_again_when_it_speaks() -> None:
    async def story() -> None:
        manager, told = Manager(), []
        manager.away = True
        certificates = Certificates(manager.ask, lambda: told.append(1))
        work = asyncio.create_task(certificates.run())
        certificates.said()
        await until(lambda: manager.asked)
        manager.away, manager.rows = False, [row(1)]
        certificates.said()
        await until(lambda: told)
        work.cancel()

    asyncio.run(story())
