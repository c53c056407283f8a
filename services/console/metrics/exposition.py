"""The text format that Prometheus reads (version 0.0.4). Pure."""

import math
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metric(NamedTuple):
    """A name, with its unit at the end, and what it means.

    Attributes:
        name: `metergate_...`; of a counter with `_total`.
        kind: `gauge` or `counter`.
        labels: names of its labels.
        words: one line for people.
    """

    name: str
    kind: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    words: str


Point = tuple[tuple[str, ...], float]
"""Values of the labels, and the value."""


def text(found: Mapping[Metric, Iterable[Point]]) -> str:
    """All of them; a metric without values is left out."""
    lines: list[str] = []
    for metric, points in found.items():
        rows = [f"{metric.name}{_labels(metric.labels, values)} {_number(value)}" for values, value in points]
        if rows:
            lines += [f"# HELP {metric.name} {_escaped(metric.words)}", f"# TYPE {metric.name} {metric.kind}", *rows]
    return "\n".join(lines) + "\n"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = ",".join(f'{name}="{_quoted(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')
