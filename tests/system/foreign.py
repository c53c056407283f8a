"""Programs that nobody here wrote and that are no Python packages: how a test says that it needs one."""

import os

import pytest


def need(program: str, cure: str, *, here: bool) -> None:
    """Skip the test, naming the program, where it is not here; fail where METERGATE_REQUIRE_FOREIGN=1 asks for it."""
    if here:
        return
    text = f"{program} is not here: {cure}"
    if os.environ.get("METERGATE_REQUIRE_FOREIGN") == "1":
        pytest.fail(text)
    pytest.skip(text)
