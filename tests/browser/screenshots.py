"""`make screenshots`: pictures of every page, light, dark and German, desktop and phone, for a person to look at."""

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.accessible import settled
from tests.browser.console import DESKTOP, PAGES, PHONE, browsing, running
from tests.browser.household import Household
from tests.support import Processes

README_DESKTOP: Final[ViewportSize] = {"width": 1060, "height": 660}
README_PHONE: Final[ViewportSize] = {"width": 390, "height": 760}
SIZES: Final[dict[str, ViewportSize]] = {"desktop": DESKTOP, "phone": PHONE}
ENDLESS: Final = frozenset({"registers"})
"""Of these the first screen is enough."""
SETTLE_MS: Final = 1500
"""For what comes with the stream, and for the charts."""


def pictures(browser: Browser, household: Household, target: Path) -> None:
    """All of them, one file each: `live-light-desktop.png`, ..."""
    console = household.console
    with console.visit(browser, known=False, color_scheme="light") as page:
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        _take(page, target / "welcome-light-desktop.png")
    with console.visit(browser, "#/live", color_scheme="light", viewport=README_DESKTOP) as page:
        page.wait_for_timeout(SETTLE_MS)
        _take(page, target / "readme-live.png", whole=False)
    with console.visit(browser, "#/certificates", color_scheme="dark", viewport=README_PHONE) as page:
        page.wait_for_timeout(SETTLE_MS)
        _take(page, target / "readme-certificates.png", whole=False)
    for scheme in ("light", "dark"):
        for size, viewport in SIZES.items():
            touch = size == "phone"
            with console.visit(browser, color_scheme=scheme, viewport=viewport, has_touch=touch) as page:
                for name in PAGES:
                    settled(page, name)
                    page.wait_for_timeout(SETTLE_MS)
                    _take(page, target / f"{name}-{scheme}-{size}.png", whole=name not in ENDLESS)
    with console.visit(browser, locale="de-DE") as page:
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            for name in PAGES:
                settled(page, name)
                page.wait_for_timeout(SETTLE_MS)
                _take(page, target / f"{name}-german-{size}.png", whole=name not in ENDLESS)
        settled(page, "live")
        assert console.cli("stop", "measurement").returncode == 0
        expect(page.locator("[data-stale=true]")).to_be_visible(timeout=15_000)
        _take(page, target / "stale-german-phone.png")
        assert console.cli("stop", "console").returncode == 0
        expect(page.locator(".lost")).to_be_visible(timeout=15_000)
        _take(page, target / "lost-german-phone.png")


def _take(page: Page, path: Path, *, whole: bool = True) -> None:
    page.screenshot(path=path, full_page=whole)


def main(target: Path) -> None:
    """Make them in `target`."""
    target.mkdir(parents=True, exist_ok=True)
    processes = Processes()
    try:
        with browsing() as browser, running(lambda folder: Household(folder, processes)) as household:
            pictures(browser, household, target)
    finally:
        processes.end()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))
