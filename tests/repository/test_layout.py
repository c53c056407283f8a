"""The tree keeps its shape: names of our own, files of one decision each, a test beside each module."""

import ast
import re
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGES = ("services", "shared", "supervisor")
LONGEST = {"source": 320, "test": 420}
"""Lines. A longer file holds two decisions, or tests of two: split it."""

TESTED_ELSEWHERE = {
    "services/certificate_manager/__main__.py": "tests/services/certificate_manager/test_actor.py",
    "services/certificate_manager/commands.py": "tests/services/certificate_manager/test_decisions.py",
    "services/certificate_manager/in_force.py": "tests/services/certificate_manager/test_decisions.py",
    "services/certificate_manager/office.py": "tests/services/certificate_manager/test_ca_folder.py",
    "services/console/__main__.py": "tests/system/test_console.py",
    "services/console/answers.py": "tests/services/console/test_app.py",
    "services/console/api/about.py": "tests/services/console/api/test_openapi.py",
    "services/console/api/models/clients.py": "tests/services/console/api/test_openapi.py",
    "services/console/api/models/live.py": "tests/services/console/api/test_openapi.py",
    "services/console/api/models/processes.py": "tests/services/console/api/test_openapi.py",
    "services/console/api/models/registers.py": "tests/services/console/api/test_openapi.py",
    "services/console/hear/counters.py": "tests/services/console/hear/test_meters.py",
    "services/console/metrics/route.py": "tests/services/console/metrics/test_collect.py",
    "services/console/security/door.py": "tests/services/console/api/test_session.py",
    "services/console/security/sessions.py": "tests/services/console/api/test_session.py",
    "services/console/security/headers.py": "tests/services/console/security/test_guard.py",
    "services/console/words/english/access.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/english/certificates.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/english/meters.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/english/push.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/english/settings.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/german/access.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/german/certificates.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/german/meters.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/german/push.py": "tests/services/console/words/test_catalogue.py",
    "services/console/words/german/settings.py": "tests/services/console/words/test_catalogue.py",
    "services/master_pusher/__main__.py": "tests/system/test_push.py",
    "services/measurement/__main__.py": "tests/system/test_real_input.py",
    "services/measurement/build.py": "tests/services/measurement/test_actor.py",
    "services/measurement/simulated/battery.py": "tests/services/measurement/simulated/test_household.py",
    "services/measurement/simulated/loads.py": "tests/services/measurement/simulated/test_household.py",
    "services/measurement/simulated/noise.py": "tests/services/measurement/simulated/test_household.py",
    "services/measurement/simulated/sun.py": "tests/services/measurement/simulated/test_household.py",
    "services/plain_slave/__main__.py": "tests/system/test_real_input.py",
    "services/register_store/__main__.py": "tests/system/test_real_input.py",
    "services/tls_slave/__main__.py": "tests/system/test_tls_slave.py",
    "services/tls_slave/connection.py": "tests/services/tls_slave/test_server.py",
    "shared/bus/message.py": "tests/shared/bus/test_publisher.py",
    "shared/bus/session_messages.py": "tests/repository/test_messages_doc.py",
    "shared/bus/trust_messages.py": "tests/repository/test_messages_doc.py",
    "shared/config/tables.py": "tests/shared/config/test_patch.py",
    "supervisor/cli/audit.py": "tests/supervisor/cli/certs/test_certs.py",
    "supervisor/cli/bus_key.py": "tests/supervisor/cli/test_config.py",
    "supervisor/cli/certs/manager.py": "tests/supervisor/cli/certs/test_certs.py",
    "supervisor/cli/certs/own.py": "tests/supervisor/cli/certs/test_certs.py",
    "supervisor/cli/common.py": "tests/supervisor/cli/test_main.py",
    "supervisor/cli/init.py": "tests/supervisor/cli/test_config.py",
    "supervisor/cli/ps.py": "tests/supervisor/cli/test_main.py",
    "supervisor/cli/registers/client.py": "tests/supervisor/cli/registers/test_registers.py",
    "supervisor/cli/registers/read.py": "tests/supervisor/cli/registers/test_registers.py",
    "supervisor/cli/roles.py": "tests/supervisor/cli/test_main.py",
    "supervisor/cli/signals.py": "tests/supervisor/cli/tap/test_tap.py",
    "supervisor/cli/slaves/trial.py": "tests/supervisor/cli/slaves/test_slaves.py",
    "supervisor/cli/steer.py": "tests/supervisor/cli/test_main.py",
    "supervisor/cli/tap/replay.py": "tests/supervisor/cli/tap/test_tap.py",
    "supervisor/commands.py": "tests/supervisor/test_supervise.py",
    "supervisor/fleet.py": "tests/supervisor/test_supervise.py",
    "supervisor/launcher.py": "tests/supervisor/test_supervise.py",
    "supervisor/process.py": "tests/supervisor/test_supervise.py",
}
"""Module -> the test that runs it as a part of what it belongs to."""


def modules() -> list[Path]:
    """Of the product, relative to the tree."""
    found = (path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(found)


def files_of_tests() -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)


@cache
def imported_by_tests() -> frozenset[str]:
    """Dotted names that some test imports."""
    found: set[str] = set()
    for path in files_of_tests():
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
    return frozenset(found)


def is_tested(module: Path) -> bool:
    own = ROOT / "tests" / module.parent / f"test_{module.name}"
    return own.is_file() or ".".join(module.with_suffix("").parts) in imported_by_tests()


@pytest.mark.parametrize("package", PACKAGES)
def test_nobody_else_owns_our_import_names(package: str) -> None:
    owners = metadata.packages_distributions().get(package, [])
    assert set(owners) <= {"metergate"}, "two distributions fight for one import name; remove the other one"


def test_a_docstring_says_what_each_file_decides() -> None:
    without = [
        str(path)
        for path in modules()
        if (text := (ROOT / path).read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(text))
    ]
    assert without == []


def test_no_file_is_too_long() -> None:
    lines = {
        path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in (*modules(), *files_of_tests())
    }
    longest = {path: LONGEST["test" if path.parts[0] == "tests" else "source"] for path in lines}
    assert {str(path): count for path, count in lines.items() if count > longest[path]} == {}


def test_every_module_has_its_test() -> None:
    missing = [str(path) for path in modules() if path.name != "__init__.py" and not is_tested(path)]
    assert sorted(set(missing) - TESTED_ELSEWHERE.keys()) == []


def test_what_is_listed_as_tested_elsewhere_needs_to_be() -> None:
    for module, test in TESTED_ELSEWHERE.items():
        assert (ROOT / module).is_file(), f"{module} is gone; take it out"
        assert (ROOT / test).is_file(), f"{test} is gone; {module} has no test"
        assert not is_tested(Path(module)), f"{module} has a test of its own now; take it out"


def test_a_test_stands_where_its_module_stands() -> None:
    """Below tests/<package> every folder mirrors one of the package."""
    strange = [
        str(path)
        for path in files_of_tests()
        if path.parts[1] in PACKAGES and path.name.startswith("test_") and not (ROOT / Path(*path.parts[1:-1])).is_dir()
    ]
    assert strange == []


def test_no_role_is_imported_by_another_or_from_below() -> None:
    """What import-linter holds as well; here without it."""
    for path in modules():
        text = (ROOT / path).read_text(encoding="utf-8")
        uses = set(re.findall(r"^\s*(?:from|import) (services\.\w+|services|supervisor)\b", text, re.MULTILINE))
        own = ".".join(path.parts[:2])
        allowed = {own} if path.parts[0] == "services" else {"supervisor"} if path.parts[0] == "supervisor" else set()
        assert uses <= allowed, f"{path}: {uses - allowed}"
