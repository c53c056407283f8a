"""docs/certificates.md against the code: the line for clients works as written, the roles are the shipped ones."""

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import BasicConstraints, Extension, load_pem_x509_certificate
from cryptography.x509.oid import ExtensionOID

from services.certificate_manager.listing import flags
from services.certificate_manager.rights import SHIPPED
from shared.tls.certificate import floor, read
from tests.support import ROOT
from tests.system.foreign import need

PAGE = (ROOT / "docs" / "certificates.md").read_text(encoding="utf-8")


@pytest.mark.foreign
def test_the_one_line_for_a_client_makes_a_pair_that_can_be_accepted(tmp_path: Path) -> None:
    need("openssl", "on Debian: apt install openssl", here=shutil.which("openssl") is not None)
    line = re.search(r"```sh\n(openssl req .*)\n```", PAGE)
    assert line is not None
    subprocess.run(["/bin/sh", "-c", line[1]], cwd=tmp_path, check=True, capture_output=True)
    made = load_pem_x509_certificate((tmp_path / "client.pem").read_bytes())
    said = read(made.public_bytes(Encoding.DER))
    assert (said.subject, said.key, floor(said)) == ("CN=heat pump", "EC P-256", None)
    constraints = [each for each in made.extensions if each.oid == ExtensionOID.BASIC_CONSTRAINTS]
    assert constraints == [
        Extension(ExtensionOID.BASIC_CONSTRAINTS, critical=True, value=BasicConstraints(False, None))
    ]
    assert flags(said, time.time(), 30) == []


def test_the_table_of_roles_is_the_shipped_one() -> None:
    rows = re.findall(r"^\| (\(none\)|`\w+`) \| ([\d ]+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    written = [
        (
            (row.name and f"`{row.name}`") or "(none)",
            " ".join(map(str, row.functions)),
            ranges(row.read),
            ranges(row.write),
        )
        for row in SHIPPED
    ]
    assert rows == written


def ranges(half_open: tuple[tuple[int, int], ...]) -> str:
    if half_open == ((0, 65536),):
        return "all"
    return ", ".join(f"{first}-{end - 1}" for first, end in half_open) or "none"
