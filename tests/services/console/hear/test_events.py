from services.console.hear.events import MOST, Events
from shared import clock
from shared.bus.messages import Event


def event(text: str = "x", **fields: object) -> Event:
    known = {"src": "a", "gen": 1, "seq": 1, "t_ns": clock.now_ns(), "kind": "k", "text": text, **fields}
    return Event(**known)  # type: ignore[arg-type]


def test_the_newest_stay_and_are_numbered() -> None:
    events = Events()
    told: list[int] = []
    events.on_event = lambda made: told.append(made.id)
    for number in range(MOST + 10):
        events.take(event(str(number), level="error" if number % 2 else "odd"))
    answer = events.after(0, 500)
    assert len(answer.events) == MOST
    assert answer.last == told[-1] == MOST + 10
    assert [each.id for each in events.after(answer.last - 2, 500).events] == [answer.last - 1, answer.last]
    assert [each.id for each in events.after(0, 2).events] == [answer.last - 1, answer.last]
    assert events.counts == {"info": (MOST + 10) // 2, "warning": 0, "error": (MOST + 10) // 2}


def test_texts_of_strangers_are_cleaned_and_times_of_other_boots_are_now() -> None:
    events = Events()
    events.take(event("a\x1b[31m\u202eb\nc", boot="other", t_ns=1, data={f"k{n}": n for n in range(99)}))
    made = events.after(0, 1).events[0]
    assert "\x1b" not in made.text
    assert "\u202e" not in made.text
    assert made.text.endswith("b; c")
    assert made.time_ms > 1_600_000_000_000
    assert len(made.data) == 24
