"""What was seen in all."""

import msgpack

from shared.tap.recording import Entry
from supervisor.cli.tap.tally import MOST_TOPICS, Tally


def entry(topic: bytes, gen: int, seq: int) -> Entry:
    return Entry(1, topic, msgpack.packb({"gen": gen, "seq": seq}))


def test_missing_sequence_numbers_are_counted_within_a_generation() -> None:
    tally = Tally()
    for gen, seq in ((1, 5), (1, 6), (1, 9), (1, 9), (2, 100), (2, 101)):  # (1, 9) twice: repeated for a newcomer
        tally.add("measurement", entry(b"sample/house", gen, seq))
    head, row = tally.lines(2.0)
    assert head == "6 messages in 2.0 s"
    size = 6 * len(entry(b"sample/house", 1, 5).payload + b"sample/house")
    assert row.split() == ["measurement", "sample/house", "6", "3.0/s", str(size), "bytes,", "2", "lost"]


def test_invented_topics_are_counted_together() -> None:
    tally = Tally()
    for number in range(MOST_TOPICS + 10):
        tally.add("a", entry(b"t%d" % number, 1, 1))
    lines = list(tally.lines(1.0))
    assert len(lines) == MOST_TOPICS + 2
    assert lines[1].split()[:3] == ["others", "...", "10"]


def test_a_topic_cannot_speak_to_the_terminal() -> None:
    tally = Tally()
    tally.add("a", Entry(1, b"\x1b[2J", b"\xc1"))
    assert all(line.isprintable() for line in tally.lines(1.0))
