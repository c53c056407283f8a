"""One recorded measurement, whatever file it comes from."""

import msgspec


class Frame(msgspec.Struct, frozen=True, gc=False):
    """See module.

    Attributes:
        after_ns: time since the frame before; 0 for the first. Only distances count, the recorded clock is another one.
        values: quantities.
        texts: identity of the meter.
        simulated: whether the values were invented when they were recorded.
    """

    after_ns: int
    values: dict[str, float]
    texts: dict[str, str] = {}
    simulated: bool = False
