"""The console of a gateway without any meter, and of one with twenty and ten receivers that do not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from services.console.api.table import ROUTES
from tests.support import free_port, wait_for
from tests.system.console import ConsoleGateway

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

METERS, DEAD = 20, 10
LARGEST_EVENT = 32 * 1024
"""Characters; ten receivers with their errors, or twenty meters, fit many times."""


@contextmanager
def started(folder: Path, meter: str, more: str = "") -> Iterator[ConsoleGateway]:
    gateway = ConsoleGateway(folder, meter, more=more)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.end()


def plain_gets() -> list[str]:
    """What can be asked for without saying more."""
    endless = {"/stream", "/tap", "/tap/record"}
    return [each.path for each in ROUTES if each.method == "GET" and "{" not in each.path and each.path not in endless]


def test_without_a_meter_everything_says_so(short_folder: Path) -> None:
    with started(short_folder / "none", "") as gateway, gateway.admin.following("processes,pushes,live") as events:
        assert next(data for topic, data in events if topic == "processes")["processes"]
        statuses = {path: gateway.admin.ask("GET", path) for path in plain_gets()}
        wrong = {path: said for path, said in statuses.items() if said.status not in {200, 404}}
        assert not wrong
        unknown = {path for path, said in statuses.items() if said.status == 404}
        assert unknown == {"/live", "/registers", "/history/recent", "/history/minutes", "/history/days"}
        assert {statuses[path].error for path in unknown} == {"the settings name no [[meter]]"}
        assert statuses["/meters"].body == {"meters": []}
        assert gateway.children()["console"]["restarts"] == 0


def test_twenty_meters_and_ten_dead_receivers(short_folder: Path) -> None:
    meters = "".join(f'[[meter]]\nid = "m{n}"\nunit = {n + 1}\nsource = "simulated"\n' for n in range(METERS))
    port = free_port()
    dead = "".join(
        f'[[master.slave]]\naddress = "127.0.0.1:{port}"\nunit = {n}\ntimeout_s = 0.2\n' for n in range(DEAD)
    )
    more = f"[master]\nenabled = true\n{dead}"
    with started(short_folder / "many", meters, more) as gateway:
        with gateway.admin.following("live,pushes,processes&meter=m13") as events:
            seen: dict[str, int] = {}
            for topic, data in islice(events, 60):
                seen[topic] = max(seen.get(topic, 0), len(str(data)))
                assert topic != "live" or data["meter"] == "m13", "one's own meter alone"
            assert set(seen) == {"live", "pushes", "processes"}
            assert max(seen.values()) < LARGEST_EVENT
        wait_for(
            lambda: {slave["state"] for slave in gateway.admin.get("/push")["slaves"]} == {"failing"}, "all fail", 20
        )
        rows = {row["name"]: row for row in gateway.admin.get("/processes")["processes"]}
        wait_for(
            lambda: (
                next(row for row in gateway.admin.get("/processes")["processes"] if row["name"] == "master-pusher")[
                    "pending"
                ]
                == DEAD
            ),
            "what is due and cannot be pushed is told",
            20,
        )
        assert {row["missed"] for row in rows.values() if row["pid"]} == {0}
        assert all(gateway.admin.ask("GET", path).status == 200 for path in plain_gets())
        assert len(gateway.admin.get("/meters")["meters"]) == METERS
