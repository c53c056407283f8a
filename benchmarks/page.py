"""The console's page in the system's Chromium: from the start of metergate to a live value, and each page by itself.

Usable is a page once it shows what it asked the gateway for. Each one is opened in a browser that has seen nothing of
it before: script, style and answers count.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, expect

from benchmarks.native import MissingToolError
from benchmarks.options import Options
from benchmarks.report import Table
from tests.browser.console import DIST, PAGES, Console, browsing, running

USABLE: Final = """() =>
  document.querySelector("h1") && !document.querySelector(".empty[role=status]") && performance.now()
"""
LOADED: Final = """() =>
  performance.getEntries().filter((one) => one.decodedBodySize && !one.name.includes("/api/"))
    .map((one) => one.decodedBodySize)
"""


def run(options: Options) -> list[Table]:
    """Measure in Chromium, which has to be there."""
    if not DIST.is_file() or not (shutil.which("chromium") or shutil.which("google-chrome")):
        raise MissingToolError("page: needs Chromium (apt install chromium) and the built page (make page)")
    with browsing() as browser:
        starts = [_start_s(browser) for _ in range(options.rounds)]
        with running(Console) as console:
            rows = [(name, *_open_ms(console, browser, name, options.rounds)) for name in PAGES]
    return [
        Table(
            "the console's page: from navigation to usable, ms, and what is loaded for it, kB",
            ("page", "usable after", "slowest", "loaded"),
            tuple(rows),
            (
                f"From `metergate up` to a live value by the link: {statistics.median(starts):.2f} s (goal: 5 s).",
                "Goals for a page: 500 ms and 200 kB.",
            ),
        )
    ]


def _open_ms(console: Console, browser: Browser, name: str, rounds: int) -> tuple[float, float, float]:
    times, loaded = [], 0.0
    for _ in range(rounds):
        with console.visit(browser, f"#/{name}") as page:
            times.append(float(page.wait_for_function(USABLE).json_value()))
            page.wait_for_timeout(200)  # the chart comes after the values
            loaded = sum(page.evaluate(LOADED)) / 1000
    return statistics.median(times), max(times), loaded


def _start_s(browser: Browser) -> float:
    folder = Path(tempfile.mkdtemp(prefix="mg-", dir="/tmp"))
    console = Console(folder)
    try:
        begin = time.monotonic()
        console.launch()
        with console.visit(browser, f"#code={console.code()}", known=False) as page:
            expect(page.get_by_test_id("grid-power")).to_contain_text("W", timeout=20_000)
            return time.monotonic() - begin
    finally:
        console.end()
        shutil.rmtree(folder)
