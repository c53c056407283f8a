"""An audit log on a disk that refuses."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from shared.audit.keep import LEFT, UNSAFE, Keep
from shared.audit.log import AuditLog
from shared.audit.record import Who


def test_a_disk_that_refuses_is_told_rarely_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    log = AuditLog(tmp_path, "console")
    keep = Keep(log, lambda text, **fields: told.append((text, fields)))

    def broken() -> None:
        raise OSError(5, "Input/output error")

    async def story() -> None:
        await keep.sync()
        log.append(Who("cli"), "x", "y", "done")
        keep.touched = True
        with monkeypatch.context() as patch:
            patch.setattr(log, "sync", broken)
            for _ in range(5):
                await keep.sync()
        assert [(text, fields["times"]) for text, fields in told] == [(UNSAFE, 1), (UNSAFE, 2), (UNSAFE, 4)]
        assert told[0][1]["reason"] == "Input/output error"
        assert (keep.touched, log.durable.seq) == (True, 0)
        await keep.sync()
        assert (keep.touched, log.durable.seq) == (False, log.head.seq)

    asyncio.run(story())
    log.close()


def test_a_disk_that_refuses_at_the_end_is_told_and_the_log_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counts descriptors
    keep = Keep(AuditLog(tmp_path, "console"), lambda text, **fields: told.append((text, fields)))

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    keep.close()
    assert told == [(LEFT, {"reason": "Input/output error"})]
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
