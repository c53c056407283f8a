from pathlib import Path

from shared.registers.page import page
from shared.registers.table import TABLE

ROOT = Path(__file__).parents[3]


def test_the_committed_page_is_the_generated_one() -> None:
    committed = (ROOT / "docs/registers.md").read_text(encoding="utf-8")
    assert committed == page(), "run `make docs`"


def test_every_row_is_on_it() -> None:
    text = page()
    for row in TABLE:
        assert f"| 0x{row.address:04X} | `{row.name}` |" in text


def test_it_is_a_table_that_every_reader_of_markdown_takes() -> None:
    for line in page().splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
            assert line.count("|") - line.count(r"\|") in (3, 6, 14), line
