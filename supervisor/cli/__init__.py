"""The command line `metergate`.

What runs for ever (`up`, `run`) and what runs every few seconds (`health`) is understood here without click, to save
its memory and start-up time; everything else, and every mistake, goes to the click application in `app`.
"""

import sys
from typing import NoReturn

from shared.kernel import hold_standard_descriptors


def main() -> NoReturn:
    """Entry of the console script."""
    hold_standard_descriptors()
    verb, names, config, fresh = _understood(sys.argv[1:])
    if verb == "up" and not names and not fresh:
        from supervisor.up import up  # noqa: PLC0415  # each command loads what it needs

        sys.exit(up(config))
    if verb == "run" and names and not fresh:
        from supervisor.up import run  # noqa: PLC0415  # as above

        sys.exit(run(names, config))
    if verb == "health":
        from supervisor.cli.health import health  # noqa: PLC0415  # as above

        code, line = health(names, fresh=fresh, config=config)
        print(line, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
    from supervisor.cli.app import app  # noqa: PLC0415  # as above

    app(prog_name="metergate")
    sys.exit(0)


def _understood(arguments: list[str]) -> tuple[str, list[str], str | None, bool]:
    """Command, names, --config and --fresh; an empty command where click shall judge."""
    verb, names, config, fresh = "", list[str](), None, False
    rest = iter(arguments)
    for argument in rest:
        if argument == "--config":
            config = next(rest, None)
            if config is None:
                return "", [], None, False
        elif argument.startswith("--config="):
            config = argument.removeprefix("--config=")
        elif argument == "--fresh":
            fresh = True
        elif argument.startswith("-"):
            return "", [], None, False
        elif not verb:
            verb = argument
        else:
            names.append(argument)
    return verb, names, config, fresh
