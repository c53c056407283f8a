"""Clients that read without a pause and judge every answer."""

import threading
import time
from collections import Counter
from typing import Self

from tests.support import wait_for
from tests.system import steps
from tests.system.wire import Client, read_pdu

PAUSE_S = 0.001
"""Between two requests of a client: the machine has two cores, and what is tested needs some of them."""
READS = (steps.SHORT, steps.LONG, steps.SUNSPEC, steps.COUNTERS)


class Load:
    """One client for each of `READS`, each with its own thread and connection.

    Attributes:
        faults: wrong, mixed or refused answers, counters that went backwards, refused connects, in words.
        answers: good ones, by read.
        drops: how often a connection was lost.
        seen: steps that were shown.
        latest: the last of them.
        slowest_s: longest time for an answer, without those that a loss of the connection took.
    """

    def __init__(self, port: int) -> None:
        self.faults: list[str] = []
        self.answers: Counter[tuple[int, int]] = Counter()
        self.drops = 0
        self.seen: set[int] = set()
        self.latest = 0
        self.slowest_s = 0.0
        self._port = port
        self._judge = steps.Judge()
        self._floor: tuple[int, ...] = ()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(read,)) for read in READS]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(15)
        assert not any(thread.is_alive() for thread in self._threads)

    def wait_for_all(self) -> None:
        """Wait until every client has got a further answer."""
        before = self.answers.copy()
        wait_for(lambda: all(self.answers[read] > before[read] for read in READS) or self.faults, "answers to all", 15)

    @property
    def counters(self) -> tuple[int, ...]:
        """The largest that were shown."""
        return self._floor

    def _run(self, read: tuple[int, int]) -> None:
        while not self._ending.is_set():
            try:
                self._connection(read)
            except ConnectionRefusedError:
                self.faults.append(f"{read}: a connect was refused")
                time.sleep(0.05)
            except (EOFError, ConnectionError, BrokenPipeError):
                with self._lock:
                    self.drops += 1
            except Exception as error:  # noqa: BLE001  # a thread's error would be lost
                self.faults.append(f"{read}: {error!r}")
                time.sleep(0.05)

    def _connection(self, read: tuple[int, int]) -> None:
        request = read_pdu(*read)
        with Client(self._port, 10) as client:
            while not self._ending.is_set():
                floor, begin = self._floor, time.monotonic()
                answer = client.ask(request)
                self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
                fault = self._fault(read, answer, floor)
                if fault:
                    self.faults.append(f"{read}: {fault}")
                self.answers[read] += 1
                time.sleep(PAUSE_S)

    def _fault(self, read: tuple[int, int], answer: bytes, floor: tuple[int, ...]) -> str:
        if answer[0] != 3:
            return "stale" if answer[1] == 4 else f"exception {answer[1]:02}"
        data = answer[2:]
        if read == steps.COUNTERS:
            counters = steps.counters(data)
            if any(now < before for now, before in zip(counters, floor, strict=False)):
                return f"counters went back from {floor} to {counters}"
            with self._lock:
                self._floor = max(self._floor, counters)
            return ""
        step = self._judge.step(read, data)
        if step == steps.STALE:
            return "stale"
        self.seen.add(step)
        self.latest = step
        return "" if step else f"never measured: {data.hex()}"
