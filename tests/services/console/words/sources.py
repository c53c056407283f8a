"""The sentences of the source: every text, with `{}` for each of its parts, and those that a person is told."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from tests.support import ROOT

TOLD = frozenset(
    {"ApiError", "not_found", "invalid", "conflict"}
    | {"RefusedError", "PeerError", "BusyError", "UntrustedError", "ConfigError", "UnavailableError"}
    | {"Problem", "Tested", "_fail"}
)
"""Calls whose texts somebody reads."""


def plain(sentence: str) -> str:
    """As it is compared: parts without names, those beside each other as one."""
    return re.sub(r"(\{\})+", "{}", sentence).strip().casefold()


def without_names(template: str) -> str:
    """A sentence of the catalogue as it is compared."""
    parts = (text + ("{}" if name is not None else "") for text, name, _, _ in Formatter().parse(template))
    return plain("".join(parts))


def text_of(node: ast.AST) -> str | None:
    """A text of the source, or one that is put together there; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            before, after = text_of(left), text_of(right)
            return None if before is None and after is None else f"{before or '{}'}{after or '{}'}"
    return None


def modules(*places: str) -> Iterator[Path]:
    """Python files of folders or files of the tree, but not the catalogues themselves."""
    for place in places:
        path = ROOT / place
        for each in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if "words" not in each.parts:
                yield each


def every(*places: str) -> set[str]:
    """All texts there."""
    nodes = (node for path in modules(*places) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return {plain(text) for node in nodes if (text := text_of(node))}


def told(*places: str) -> set[str]:
    """Sentences there that are raised, or handed to one of `TOLD`: whole ones, not the parts of one."""
    found: set[str] = set()
    for path in modules(*places):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in TOLD:
                for argument in [*node.args, *(each.value for each in node.keywords)]:
                    found |= set(_sentences(argument))
    return found


def _sentences(node: ast.AST) -> Iterator[str]:
    text = text_of(node)
    if text is not None:
        if " " in text.strip():
            yield plain(text)
        return
    if isinstance(node, ast.IfExp):
        yield from _sentences(node.body)
        yield from _sentences(node.orelse)


def _name(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
