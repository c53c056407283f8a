"""What runs a story: uvloop and asyncio's own loop."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop

from tests.shared.modbus.serving import Run, Story


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    factory = uvloop.new_event_loop if request.param == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:

        async def bounded(story: Story) -> None:
            async with asyncio.timeout(20):
                await story()

        yield lambda story: runner.run(bounded(story))
