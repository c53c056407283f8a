from services.console.security.attempts import BURST, EVERY_S, ORIGINS, Attempts


def test_few_in_a_row_then_one_in_a_while() -> None:
    attempts = Attempts()
    assert [attempts.wait_s("192.0.2.1", 0.0) for _ in range(int(BURST))] == [0.0] * int(BURST)
    wait = attempts.wait_s("192.0.2.1", 0.0)
    assert 0 < wait <= EVERY_S
    assert attempts.wait_s("192.0.2.1", wait) == 0.0
    assert attempts.wait_s("192.0.2.2", 0.0) == 0.0, "others are not kept out"


def test_one_network_is_one_origin_and_the_right_one_is_not_counted() -> None:
    attempts = Attempts()
    for host in range(int(BURST)):
        assert attempts.wait_s(f"2001:db8::{host:x}", 0.0) == 0.0
    assert attempts.wait_s("2001:db8::ffff", 0.0) > 0
    for _ in range(3):
        attempts.forgive("2001:db8::1")
        assert attempts.wait_s("2001:db8::ffff", 0.0) == 0.0
    assert attempts.wait_s("2001:db8::ffff", 0.0) > 0, "the wrong ones before are not forgotten"


def test_many_origins_take_no_more_room() -> None:
    attempts = Attempts()
    for number in range(3 * ORIGINS):
        attempts.wait_s(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(attempts._buckets) == ORIGINS
