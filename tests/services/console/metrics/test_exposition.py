import math
import re

from hypothesis import given
from hypothesis import strategies as st

from services.console.metrics.exposition import Metric, text

GAUGE = Metric("metergate_x_watts", "gauge", ("meter",), "Words.")


def test_the_format_is_that_of_prometheus() -> None:
    found = text({GAUGE: [(("house",), 1.0), (("barn",), -0.25)], Metric("metergate_y_total", "counter", (), "Y."): []})
    assert found == (
        "# HELP metergate_x_watts Words.\n# TYPE metergate_x_watts gauge\n"
        'metergate_x_watts{meter="house"} 1\nmetergate_x_watts{meter="barn"} -0.25\n'
    )


def test_numbers_that_are_none_have_their_words() -> None:
    values = [math.nan, math.inf, -math.inf, 2.0**60]
    lines = text({GAUGE: [(("a",), value) for value in values]}).splitlines()[2:]
    assert [line.rpartition(" ")[2] for line in lines] == ["NaN", "+Inf", "-Inf", "1.152921504606847e+18"]


@given(st.text(max_size=20))
def test_whatever_name_a_stranger_has_stays_in_its_place(name: str) -> None:
    lines = text({GAUGE: [((name,), 1.0)]}).split("\n")
    assert len([line for line in lines if line]) == 3
    found = re.fullmatch(r'metergate_x_watts\{meter="((?:[^"\\]|\\["\\n])*)"\} 1', lines[2], re.DOTALL)
    assert found
    plain = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    assert re.sub(r'\\["\\n]', lambda each: plain[each[0]], found[1]) == name
