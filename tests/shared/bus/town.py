"""Several instances on one event loop, for stories about them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints


class Town:
    """Several instances on one event loop."""

    def __init__(self, run_dir: Path) -> None:
        self.endpoints = Endpoints(run_dir)
        self._buses: list[Bus] = []

    def bus(self, instance: str, generation: int = 1) -> Bus:
        """Start an instance."""
        made = Bus(self.endpoints, instance, generation, structlog.get_logger())
        self._buses.append(made)
        return made

    def close(self) -> None:
        """End all of them."""
        for bus in self._buses:
            if not bus._context.closed:
                bus.close()


Story = Callable[[Town], Awaitable[None]]
Tell = Callable[[Story], None]


def tell_in(run_dir: Path) -> Tell:
    """What runs a story on an event loop of its own."""

    async def life(story: Story) -> None:
        town = Town(run_dir)
        try:
            async with asyncio.timeout(60):
                await story(town)
        finally:
            town.close()

    return lambda story: asyncio.run(life(story))
