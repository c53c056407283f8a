"""Writes the pages that come from the code: `python -m docs.generate`. Tests compare the committed ones."""  # noqa: INP001 -- a folder of pages, not a package

from pathlib import Path

from services.console.metrics.page import page as metrics
from shared.registers.page import page as registers

PAGES = {"registers.md": registers, "metrics.md": metrics}


def main() -> None:
    """Write each page beside this file."""
    for name, page in PAGES.items():
        Path(__file__).with_name(name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
