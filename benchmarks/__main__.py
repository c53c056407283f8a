"""`python -m benchmarks [NAME ...]`: measures side by side in one run and prints ratios; `--json FILE` for machines.

A benchmark is a module of this folder with `run(options) -> list[Table]`, named in `BENCHMARKS`.
"""

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.native import MissingToolError
from benchmarks.options import Options
from benchmarks.report import Report, show

BENCHMARKS = {
    "throughput": "requests per processor second against libmodbus and pymodbus",
    "push": "pushing into ten slaves against pymodbus, and with nine of them dead",
    "neighbours": "how regularly a healthy slave is pushed to beside nine bad ones, against a bare timer",
    "tls": "mutual TLS against stunnel with libmodbus and pymodbus: requests, handshakes, memory",
    "latency": "from a sample's time to the first answer that shows it, across three processes",
    "page": "the console in Chromium: until each page is usable, and what it loads",
    "memory": "PSS of each process, and how long starting takes",
}


def main() -> int:
    """Run the benchmarks that are named, or all."""
    names = "\n".join(f"  {name:12} {text}" for name, text in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", epilog=f"benchmarks:\n{names}", formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("name", nargs="*", help="which; all without a name")
    parser.add_argument("--quick", action="store_true", help="a short look whether all works")
    parser.add_argument("--rounds", type=int, help="repetitions of which the median counts")
    parser.add_argument("--seconds", type=float, help="of one load")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables there as well")
    given = parser.parse_args()
    for name in given.name:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}")
    usual = Options(quick=True, rounds=1, seconds=0.5) if given.quick else Options()
    options = Options(given.quick, given.rounds or usual.rounds, given.seconds or usual.seconds)
    report = Report()
    try:
        for name in given.name or BENCHMARKS:
            tables = importlib.import_module(f"benchmarks.{name}").run(options)
            report.add(name, tables)
            for table in tables:
                show(table)
    except MissingToolError as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        given.json.write_text(report.json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
