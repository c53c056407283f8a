"""What can be said of every page at once: axe-core's rules, and the way of the keyboard through it."""

import functools
from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.browser.console import DIST
from tests.system.foreign import need

AXE: Final = DIST.parents[1] / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Levels A and AA of WCAG 2.2, of which 2.1 is a part, and what axe-core holds for good practice besides."""
MOST_STOPS: Final = 200

STOPS: Final = """() => {
  const groups = new Set();
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
  return [...all].filter((one) => {
    if (one.disabled || one.tabIndex < 0 || !one.checkVisibility({ visibilityProperty: true })) return false;
    if (one.type !== "radio") return true;
    const known = groups.has(one.name); // the arrows move within a group
    groups.add(one.name);
    return !known;
  }).length;
}"""
FOCUSED: Final = """() => {
  const one = document.activeElement;
  const before = window.before;
  window.before = one === document.body ? null : one;
  if (!window.before) return null; // past the end
  const rings = [one, one.closest("label"), one.nextElementSibling, one.closest(".editor")];
  const ringed = rings.some((each) => each && getComputedStyle(each).outlineStyle !== "none");
  const { left, top, width, height } = one.getBoundingClientRect();
  const middle = Math.min(Math.max(top + height / 2, top + 1), innerHeight - 1);
  const above = document.elementFromPoint(left + width / 2, middle);
  const mine = [one, ...(one.labels ?? [])];
  const free = mine.some((each) => each.contains(above) || above?.contains(each));
  const known = window.stops.indexOf(one);
  if (known < 0) window.stops.push(one);
  const on = !before || Boolean(before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  return { known, ringed, free, on, what: one.outerHTML.slice(0, 160) };
}"""


@functools.cache
def _axe() -> str:
    need("axe-core", "make services/console/page/node_modules/.dev", here=AXE.is_file())
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page as it is now: rule, element and reason, a line each."""
    page.evaluate(_axe())  # by the debugger, so that the page's own policy need not allow it
    found: dict[str, Any] = page.evaluate("rules => axe.run({ runOnly: rules, resultTypes: ['violations'] })", RULES)
    return [
        f"{each['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def settled(page: Page, where: str) -> None:
    """Open a page, in whichever language, and wait until it shows what it asked for."""
    page.goto(f"{page.url.partition('#')[0]}#/{where}")
    link = page.locator(f"a[aria-current=page][href='#/{where.partition('?')[0].partition('/')[0]}']")
    expect(link.or_(page.locator(".bottom .here")).first).to_be_attached()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".empty[role=status]")).to_have_count(0)
    if where == "bus":
        expect(page.locator(".tap li").first).to_be_visible()
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
    )  # the heading has the focus


def walk(page: Page) -> list[str]:
    """Press Tab until all elements were gone around once; what is wrong on the way, a line each.

    Each stop has to be in sight, below nothing, ringed, and behind the one before; together they are all there is.
    """
    page.evaluate("document.activeElement?.blur(); window.stops = []; window.before = null")
    wrong: list[str] = []
    turns = 0  # at the end of the page it goes on at its beginning
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        turns += stop is None or not stop["on"]
        if stop is None:
            continue
        if stop["known"] >= 0:
            count, every = page.evaluate("window.stops.length"), page.evaluate(STOPS)
            return wrong if count == every else [*wrong, f"{count} of {every} are reached"]
        wrong += [f"not {word}: {stop['what']}" for word in ("ringed", "free") if not stop[word]]
        wrong += [f"out of order: {stop['what']}"] if turns > 1 else []
    return [*wrong, f"no end after {MOST_STOPS}"]
