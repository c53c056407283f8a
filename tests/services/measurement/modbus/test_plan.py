from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.measurement.modbus.plan import Request, Span, plan
from shared.modbus.pdu import MAX_READ

SPANS = st.lists(st.builds(Span, st.integers(0, 2_000), st.integers(1, 4)), max_size=40)


def covered(request: Request) -> range:
    return range(request.address, request.address + request.length)


@given(SPANS, st.integers(0, 40), st.integers(4, MAX_READ))
def test_each_value_lies_whole_in_one_request_and_none_is_too_long(
    spans: list[Span], max_gap: int, max_count: int
) -> None:
    requests = plan(3, spans, max_gap, max_count)
    for span in spans:
        assert any(
            request.address <= span.address and span.address + span.length <= request.address + request.length
            for request in requests
        )
    assert all(0 < request.length <= max_count for request in requests)
    assert list(requests) == sorted(requests)


@given(SPANS, st.integers(0, 40))
def test_nothing_is_read_beyond_a_gap(spans: list[Span], max_gap: int) -> None:
    wanted = {address for span in spans for address in range(span.address, span.address + span.length)}
    for request in plan(4, spans, max_gap):
        assert request.function == 4
        assert {request.address, request.address + request.length - 1} <= wanted
        run = 0
        for address in covered(request):
            run = 0 if address in wanted else run + 1
            assert run <= max_gap


@given(SPANS, st.integers(0, 40))
def test_no_two_neighbours_could_be_one(spans: list[Span], max_gap: int) -> None:
    requests = plan(3, spans, max_gap)
    for left, right in pairwise(requests):
        whole = right.address + right.length - left.address
        assert right.address - (left.address + left.length) > max_gap or whole > MAX_READ - 3


def test_nothing_to_read_needs_no_request() -> None:
    assert plan(3, [], 8) == ()


def test_overlapping_values_are_read_once() -> None:
    assert plan(3, [Span(10, 4), Span(11, 1), Span(12, 2)], 0) == (Request(3, 10, 4),)
