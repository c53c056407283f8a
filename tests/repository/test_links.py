"""Every link from one page to another, or to a heading, leads somewhere; each decision is numbered once."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def headings(page: Path) -> set[str]:
    """As they are named in a link: lower case, blanks as dashes, no other signs."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        file, _, place = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (place and place not in headings(target)):
            lost.append(link)
    assert lost == []


def test_each_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name.partition("-")[0]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for number, page in zip(numbers, pages, strict=True):
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. ")


def test_every_page_is_reached_from_the_readme() -> None:
    known, edge = {ROOT / "CHANGELOG.md"}, {ROOT / "README.md"}
    while edge:
        known |= edge
        links = ((page, link.partition("#")[0]) for page in edge for link in LINK.findall(page.read_text("utf-8")))
        targets = {(page.parent / file).resolve() for page, file in links if file}
        targets |= {each for target in targets if target.is_dir() for each in target.glob("*.md")}
        edge = {target for target in targets if target.suffix == ".md"} - known
    assert {str(page.relative_to(ROOT)) for page in PAGES if page not in known} == set()
