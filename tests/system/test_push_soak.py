"""Memory of the pusher stays flat: thousands of images at forty times the usual pace, and thousands of failures.

METERGATE_SOAK_S is for how long, at most a day; some seconds without it.
"""

import asyncio
import gc
import os
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from structlog.testing import capture_logs

from services.master_pusher.build import sender
from services.master_pusher.groups import GROUPS
from services.master_pusher.target import Target
from shared import clock
from shared.bus.messages import Block, Image, Message
from shared.bus.publisher import Publisher
from shared.config.master import Target as Settings
from tests.services.master_pusher.samples import batch, words
from tests.services.master_pusher.web_service import WebService
from tests.shared.bus.talker import Talker
from tests.support import Processes, free_port, memory_kib, wait_for
from tests.system.bus import Listener
from tests.system.gateway import descriptors, say
from tests.system.receivers import BlackHole, Listening, answering, dripping, flooding, mute, resetting

SECONDS: Final = min(86_400.0, float(os.environ.get("METERGATE_SOAK_S", "12")))
PAUSE_MS: Final = 5
"""Between two images."""
GROWTH_KIB: Final = 1024
"""Whatever the time: some bytes for each push would be more within the first minutes."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(SECONDS + 120)]


def _confirm(head: bytes, pdu: bytes) -> bytes:
    return head + pdu


def _images() -> Callable[[Publisher], tuple[Message, str]]:
    plus = 0

    def image(publisher: Publisher) -> tuple[Message, str]:
        nonlocal plus
        plus += 1
        blocks = (Block(0, words(0, 148, plus), live=((0, 146),)), Block(512, words(512, 280, plus // 100)))
        stamp = publisher.stamp(Image, "house")
        made = Image(**stamp, t_ns=clock.now_ns(), meter="house", unit=1, stale_after_ms=5000, blocks=blocks)
        return made, "house"

    return image


def test_many_images_beside_bad_neighbours(run_dir: Path, processes: Processes) -> None:
    with ExitStack() as stack:
        good, service = stack.enter_context(answering(_confirm)), stack.enter_context(WebService())
        closing, failing = stack.enter_context(answering(_confirm, end=True)), stack.enter_context(WebService())
        failing.status = 500
        bad: list[Listening | BlackHole] = [mute(), resetting(), dripping(), BlackHole()]
        for each in bad:
            stack.callback(each.close)
        ports = [good.port, closing.port, *(each.port for each in bad)]
        more = [f'address = "127.0.0.1:{port}"\ntimeout_s = 0.05' for port in ports]
        more += [f'address = "127.0.0.1:{good.port}"\nunit = 2\nonly_changes = true\nrefresh_s = 1']
        more += [f'address = "http://127.0.0.1:{web.port}/in"' for web in (service, failing)]
        more += ['address = "no-such-slave.invalid"\ntimeout_s = 0.05']
        file = run_dir / "metergate.toml"
        file.write_text(
            f'[gateway]\nrun_dir = "{run_dir}"\n[[meter]]\nid = "house"\nsource = "simulated"\n'
            "[master]\nenabled = true\n" + "".join(f"[[master.slave]]\n{each}\n" for each in more)
        )
        talker = stack.enter_context(Talker(run_dir, "register-store", _images(), PAUSE_MS))
        pusher = processes.python("-m", "services.master_pusher", env={"METERGATE_CONFIG": str(file)})
        told = stack.enter_context(Listener(run_dir, "master-pusher", "pushes"))
        wait_for(lambda: any(row["pushes"] > 500 for each in told.waiting() for row in each["slaves"]), "pushes", 60)
        before, open_before, images = memory_kib(pusher.pid), descriptors(pusher.pid), talker.said
        until = time.monotonic() + SECONDS
        last: list[dict[str, Any]] = []
        while time.monotonic() < until:
            last = told.next()["slaves"]
            service.requests.clear()
            failing.requests.clear()
        after, open_after = memory_kib(pusher.pid), descriptors(pusher.pid)
        pushes, failures = sum(row["pushes"] for row in last), sum(row["failures"] for row in last)
        say(f"{talker.said - images} images, {pushes} pushes, {failures} failures: {before} became {after} KiB")
        assert pusher.returncode is None
        assert [row["state"] for row in last].count("ok") == 3
        assert after - before < GROWTH_KIB
        assert open_after <= open_before + len(ports), "connections under way"


def test_many_failures_leave_nothing_behind() -> None:
    attempts = round(10 * SECONDS)

    async def fail(settings: Settings) -> int:
        way = sender(settings, None)
        one = Target(1, settings, tuple(GROUPS), "house", way, log=structlog.get_logger())
        one.offer(batch(until_ns=2**62))
        for _ in range(attempts):
            await one.attempt()
        way.close()
        await asyncio.sleep(0)  # what was aborted ends with the next turn of the loop
        return one.report(2**62).failures

    with ExitStack() as stack, capture_logs() as lines:
        bad = [resetting(), mute(), flooding(1 << 20, asked=True), flooding(1 << 20, asked=False)]
        bad += [
            answering(lambda head, pdu: b"\xff\xff" + head[2:] + pdu),
            answering(lambda head, _: head[:1], end=True),
        ]
        for each in bad:
            stack.callback(each.close)
        service = stack.enter_context(WebService())
        service.status = 500
        places = [f"127.0.0.1:{each.port}" for each in bad] + [f"127.0.0.1:{free_port()}"]
        places += [f"http://127.0.0.1:{port}/" for port in (service.port, bad[1].port, bad[2].port, free_port())]
        every = [Settings(address=place, timeout_s=0.05) for place in places]

        async def story() -> int:
            return sum(await asyncio.gather(*(fail(settings) for settings in every)))

        asyncio.run(story())  # whatever is made once is there now
        gc.collect()
        open_before = descriptors(os.getpid())
        tracemalloc.start()
        try:
            before = _ours()
            failures = asyncio.run(story())
            lines.clear()
            service.requests.clear()
            gc.collect()
            grown = _ours() - before
        finally:
            tracemalloc.stop()
        say(f"{failures} failures: {grown / 1024:.1f} KiB and no descriptor more")
        assert failures == len(every) * attempts
        assert grown < 8 * 1024, "not one object for each"
        wait_for(lambda: descriptors(os.getpid()) <= open_before + 2, "the other sides to close")


def _ours() -> int:
    """Bytes that the product's own code has allocated."""
    ours = [tracemalloc.Filter(True, f"*/{folder}/*") for folder in ("services/master_pusher", "shared")]
    snapshot = tracemalloc.take_snapshot().filter_traces(ours)
    return sum(trace.size for trace in snapshot.traces)
