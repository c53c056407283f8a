from services.console.security.setup_code import make, same


def test_a_code_is_typed_by_a_person() -> None:
    code = make()
    assert len(code) == 14
    assert make() != code
    assert same(code, code)
    assert same(f" {code.lower().replace('-', ' ')} ", code)
    assert not same(code[:-1], code)
    assert not same("", code)
    assert not same("\ud800", code)
