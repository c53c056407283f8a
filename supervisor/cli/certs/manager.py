"""Asking the certificate manager, as `metergate certs` does, and how long an answer may take."""

from typing import Any, Final

from supervisor.cli.common import ask

ROLE: Final = "certificate-manager"
LIST_S: Final = 3.0
DECIDE_S: Final = 20.0
"""Longer than a slow disk and a silent instance together may take."""


def ask_manager(config: str | None, verb: str, args: dict[str, Any], timeout_s: float = DECIDE_S) -> dict[str, Any]:
    """Send it a command and wait for the result; errors as of `common.ask`."""
    return ask(config, ROLE, verb, args, timeout_s)
