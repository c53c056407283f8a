import pytest

from services.certificate_manager.rights import READ, SHIPPED, WALLBOX, WRITE, table
from shared.bus.messages import RoleRights
from shared.config.model import Certificates, RoleRow
from shared.errors import ConfigError


def test_without_rows_in_the_settings_the_shipped_ones_count() -> None:
    assert table(Certificates()) == SHIPPED
    rows = {row.name: row for row in SHIPPED}
    assert rows[""].write == WALLBOX, "a certificate without a role may do what Accept granted"
    assert set(rows[""].functions) == {*READ, *WRITE}
    for name in ("Monitor", "ReadOnlySunSpec", "NetworkAdministratorSunSpec"):
        assert (rows[name].write, rows[name].functions) == ((), READ)
    assert rows["NetworkAdministratorSunSpec"].read == ((8192, 8245), (40000, 40070))
    for name in ("Operator", "GridServiceSunSpec", "SuperAdministratorSunSpec"):
        assert rows[name] == RoleRights(name, READ + WRITE, ((0, 65536),), WALLBOX)


def test_the_owners_rows_replace_them_all() -> None:
    row = RoleRow(name="Boiler", functions=(3,), read=((0, 9), (512, 512)), write=((65535, 65535),))
    assert table(Certificates(role=(row,))) == (RoleRights("Boiler", (3,), ((0, 10), (512, 513)), ((65535, 65536),)),)
    assert table(Certificates(role=())) == table(Certificates()) != ()


def test_a_table_that_no_message_could_carry_is_refused() -> None:
    rows = tuple(RoleRow(name=f"role {number}", read=((60000, 65535),) * 500) for number in range(20))
    with pytest.raises(ConfigError, match=r"certificates\.role: the table is too large"):
        table(Certificates(role=rows))
