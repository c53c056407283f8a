"""The built page as a browser gets it."""

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from services.console import assets


def get(dist: Path, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a request, without a server."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    app = Starlette(routes=assets.routes(dist))
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>", encoding="utf-8")
    (folder / "assets" / "page-ABCD1234.js").write_text("let a", encoding="utf-8")
    (folder / "assets" / "page-ABCD1234.css").write_text("p{}", encoding="utf-8")
    (folder / "assets" / "secret.txt").write_text("no", encoding="utf-8")
    (tmp_path / "outside.js").write_text("no", encoding="utf-8")
    return folder


def test_the_page_is_asked_about_each_time_its_files_never_again(dist: Path) -> None:
    status, headers, body = get(dist, "/")
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "text/html; charset=utf-8", "no-cache")
    assert body.startswith(b"<!doctype html>")
    for name, kind in (("page-ABCD1234.js", "text/javascript"), ("page-ABCD1234.css", "text/css")):
        status, headers, body = get(dist, f"/assets/{name}")
        assert (status, headers["content-type"]) == (200, f"{kind}; charset=utf-8")
        assert "immutable" in headers["cache-control"]
        assert body == (dist / "assets" / name).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/assets/page-OLDER.js",
        "/assets/secret.txt",
        "/assets/..%2F..%2Foutside.js",
        "/assets/../../outside.js",
        "/assets/",
    ],
)
def test_nothing_else_is_served(dist: Path, path: str) -> None:
    assert get(dist, path)[0] == 404


def test_a_name_with_a_way_out_of_the_folder_is_none(dist: Path) -> None:
    (dist / "assets" / "x").symlink_to(dist.parent)
    for name in ("x/outside.js", ".hidden.js", "a" * 101 + ".js", "\x00.js", "pägé.js"):
        assert get(dist, f"/assets/{name}")[0] == 404


def test_a_file_that_is_gone_says_what_to_do(dist: Path) -> None:
    assert b"load it again" in get(dist, "/assets/page-OLDER.js")[2]


def test_where_nothing_is_built_the_cure_is_said(tmp_path: Path) -> None:
    status, headers, body = get(tmp_path, "/")
    assert status == 503
    assert headers["cache-control"] == "no-store"
    assert b"make page" in body
    assert b"api/v1" in body
