"""What the OpenAPI document allows, and much that it does not, asked of a running console by schemathesis."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.console import ConsoleGateway

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

ST = Path(sys.executable).with_name("st")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,ignored_auth"
)
WITHOUT_END = r"/(stream|tap)(/record)?$"
ENDS_THE_GAME = r"/(processes/\{name\}/(stop|restart|start)|own/renew|password|session|users/\{name\}|tokens/\{id\})$"
"""Stops what answers, or takes the token away that asks: these have tests of their own."""
SWITCHES = r"/(slave|settings)$"
"""Switch off what the others ask: they come last."""


@pytest.fixture
def gateway(run_dir: Path) -> Iterator[ConsoleGateway]:
    made = ConsoleGateway(run_dir / "g")
    try:
        made.start()
        yield made
    finally:
        made.end()


def ask_everything(gateway: ConsoleGateway, examples: int, *which: str) -> None:
    done = subprocess.run(
        [
            ST, "run", f"http://127.0.0.1:{gateway.console_port}/api/v1/openapi.json",
            "--header", f"Authorization: Bearer {gateway.admin._token}", "--checks", CHECKS,
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", "1", "--workers", "1",
            "--request-timeout", "20", "--no-color", *which,
        ],
        capture_output=True, text=True, timeout=500, check=False, cwd=gateway.folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_no_request_finds_a_defect(gateway: ConsoleGateway) -> None:
    ask_everything(gateway, 12, "--exclude-path-regex", f"{WITHOUT_END}|{ENDS_THE_GAME}|{SWITCHES}")
    ask_everything(gateway, 6, "--include-path-regex", SWITCHES)
    assert gateway.children()["console"]["restarts"] == 0
    assert '"request failed"' not in gateway.process.output
