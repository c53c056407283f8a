from services.measurement.given import Given


def test_what_was_never_given_is_not_missed_and_what_was_given_is() -> None:
    given = Given()
    assert given.missing({"active_power"}) == []
    assert given.missing({"active_power", "voltage_l1"}) == []
    assert given.missing({"active_power"}) == ["voltage_l1"]
    assert "voltage_l1" in given


def test_an_incomplete_reading_teaches_nothing() -> None:
    given = Given()
    given.missing({"active_power"})
    assert given.missing({"current_l1"}) == ["active_power"]
    assert "current_l1" not in given


def test_withdrawn_quantities_are_not_missed() -> None:
    given = Given()
    given.missing({"active_power", "wallbox_status"})
    given.withdraw({"wallbox_status"})
    assert given.missing({"active_power"}) == []
