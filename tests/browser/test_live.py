"""The live page: values that move, values that are old, a connection that breaks and comes back."""

import re
import signal
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import Console
from tests.support import wait_for
from tests.system.gateway import send

pytestmark = [pytest.mark.system, pytest.mark.foreign]

OLD = "STALE"


@pytest.fixture
def live(console: Console, browser: Browser) -> Iterator[Page]:
    with console.visit(browser, "#/live") as page:
        expect(page.get_by_text("fresh", exact=True)).to_be_visible()
        yield page


def test_values_move_by_themselves(live: Page) -> None:
    seen: set[str] = set()

    def several() -> bool:
        seen.add(live.locator("tr", has_text="Power").first.inner_text())
        live.wait_for_timeout(50)
        return len(seen) > 3

    wait_for(several, "the power in four values")
    expect(live.locator(".flow svg")).to_be_visible()
    expect(live.get_by_text("Grid takes")).to_be_visible()
    expect(live.get_by_role("img", name="Last 10 minutes").locator("canvas")).to_be_visible()


BUSY = """
    const later = window.setTimeout;
    window.requestAnimationFrame = (turn) => later(() => turn(performance.now()), 1000);
    window.setTimeout = (turn, wait, ...rest) => later(turn, wait < 100 ? 1000 : wait, ...rest);
"""
"""A machine that comes to draw long after an answer is here."""


def test_charts_keep_an_answer_that_comes_before_the_first_drawing(live: Page) -> None:
    live.add_init_script(BUSY)
    live.goto(f"{live.url.partition('#')[0]}#/events")
    with live.expect_response(lambda answer: "/api/v1/stream" in answer.url):  # then Live asks at once
        live.reload()
    live.goto(f"{live.url.partition('#')[0]}#/live")
    live.wait_for_timeout(1500)  # what was put off is done by now
    expect(live.get_by_role("img", name="Last 10 minutes").locator("canvas")).to_be_visible()


DRAWN = """
    window.drawn = [];
    window.painted = [];
    const { prototype } = CanvasRenderingContext2D;
    const write = prototype.fillText;
    prototype.fillText = function (text, x, y) {
        const chart = this.canvas.closest("[role=img]")?.ariaLabel ?? "";
        const centred = this.textAlign === "center";
        drawn.push({ chart, text, past: centred ? x + this.measureText(text).width / 2 - this.canvas.width : 0 });
        return write.call(this, text, x, y);
    };
    const stop = CanvasGradient.prototype.addColorStop;
    CanvasGradient.prototype.addColorStop = function (place, name) {
        painted.push(name);
        return stop.call(this, place, name);
    };
"""
"""Notes what the charts write, by how much it is cut at the right, and colours that meet."""


def test_two_minutes_of_a_day_are_marked_by_minutes_and_no_mark_is_cut(console: Console, browser: Browser) -> None:
    minute = int(time.time()) // 60 * 60_000
    few = {"t": [minute - 60_000, minute], "columns": {"grid": [500.0, -500.0]}, "step_ms": 60_000}
    with console.visit(browser, "#/live") as page:
        page.route("**/history/minutes?*", lambda route: route.fulfill(json=few))
        page.add_init_script(DRAWN)
        page.reload()
        expect(page.get_by_role("img", name="Last 24 hours").locator("canvas")).to_be_visible()
        page.wait_for_function("drawn.some(({ chart, text }) => chart.startsWith('Last 24') && text.includes(':'))")
        drawn = page.evaluate("drawn")
        times = [each["text"] for each in drawn if each["chart"].startswith("Last 24 hours") and ":" in each["text"]]
        assert [each for each in times if not re.fullmatch(r"\d\d:\d\d", each)] == []
        assert [each for each in drawn if each["past"] > 0] == []
        colour = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
        assert {page.evaluate(colour, f"--grid-{way}") for way in ("import", "export")} <= set(page.evaluate("painted"))


def test_what_is_old_looks_old_and_what_is_new_new_again(console: Console, live: Page) -> None:
    assert console.cli("stop", "measurement").returncode == 0
    try:
        expect(live.get_by_role("alert")).to_contain_text(OLD, timeout=15_000)
        expect(live.locator("[data-stale=true]")).to_be_visible()
        expect(live.get_by_text("fresh", exact=True)).to_have_count(0)
        expect(live.get_by_test_id("age")).to_contain_text("s old")
        struck = "getComputedStyle(document.querySelector('[data-testid=grid-power]')).textDecorationLine"
        assert live.evaluate(struck) == "line-through"
    finally:
        assert console.cli("start", "measurement").returncode == 0
    expect(live.get_by_role("alert")).to_have_count(0, timeout=15_000)
    expect(live.get_by_text("fresh", exact=True)).to_be_visible()


def test_a_lost_connection_is_said_at_once_and_mends_itself(console: Console, live: Page) -> None:
    assert console.cli("stop", "console").returncode == 0
    try:
        expect(live.get_by_text("Connection lost")).to_be_visible(timeout=10_000)
        expect(live.get_by_role("alert")).to_contain_text(OLD, timeout=15_000)
    finally:
        assert console.cli("start", "console").returncode == 0
    expect(live.get_by_text("Connection lost")).to_have_count(0, timeout=15_000)
    expect(live.get_by_text("fresh", exact=True)).to_be_visible(timeout=15_000)


def test_what_was_heard_long_ago_is_as_old_for_who_comes_back_to_the_page(console: Console, live: Page) -> None:
    def look_elsewhere() -> None:
        live.evaluate("location.hash = '#/clients'")
        expect(live.get_by_test_id("age")).to_have_count(0)
        live.evaluate("location.hash = '#/live'")
        expect(live.get_by_test_id("age")).to_have_count(1)

    look_elsewhere()
    pid = console.pid("console")
    send(pid, signal.SIGSTOP)
    try:
        expect(live.get_by_role("alert")).to_contain_text(OLD, timeout=8000)
        look_elsewhere()
        expect(live.get_by_role("alert")).to_contain_text(OLD, timeout=1000)
    finally:
        send(pid, signal.SIGCONT)
    expect(live.get_by_text("fresh", exact=True)).to_be_visible(timeout=15_000)


def test_a_connection_that_stands_and_says_nothing_makes_nothing_look_fresh(console: Console, live: Page) -> None:
    pid = console.pid("console")
    send(pid, signal.SIGSTOP)
    try:
        expect(live.get_by_role("alert")).to_contain_text(OLD, timeout=8000)
    finally:
        send(pid, signal.SIGCONT)
    expect(live.get_by_text("fresh", exact=True)).to_be_visible(timeout=15_000)
    assert console.pid("console") == pid
