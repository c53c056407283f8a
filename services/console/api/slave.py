"""Routes: the switches of our own Modbus slave. The device's page has the same: on or off, encrypted or not."""

from typing import Any, Final

from msgspec import UNSET

from services.console.api.models.push import Applied, Slave, SlaveSwitch
from services.console.api.route import Call, Route

ROLES: Final = ("plain-slave", "tls-slave")
SWITCHES: Final = {
    "enabled": "slave.enabled",
    "tls": "slave.tls",
    "plain_alongside_tls": "slave.plain_alongside_tls",
    "external_control": "wallbox.external_control",
}


async def slave(call: Call) -> Slave:
    """GET /slave."""
    desk = call.desk
    desk.settings_file.look()
    config = desk.settings_file.config or desk.hear.in_force.config
    town = desk.hear.town
    plain, tls = ([said for name, said in town.serving().items() if name.startswith(role)] for role in ROLES)
    return Slave(
        enabled=config.slave.enabled,
        tls=config.slave.tls,
        plain_alongside_tls=config.slave.plain_alongside_tls,
        host=config.slave.host,
        port=config.slave.port,
        tls_port=config.slave.tls_port,
        plain_clients=tuple(client.peer for said in plain for client in said.details),
        plain_connections=sum(said.connections for said in plain),
        tls_connections=sum(said.connections for said in tls),
        external_control=config.wallbox.external_control,
        roles={role: town.state_of(role)[0] for role in ROLES},
    )


async def switch(call: Call) -> Applied:
    """PATCH /slave."""
    body: SlaveSwitch = call.body
    given: dict[str, Any] = {
        key: value for name, key in SWITCHES.items() if (value := getattr(body, name)) is not UNSET
    }
    return await call.desk.settings_file.patch(call.caller, given)


ROUTES = (
    Route(method="GET", path="/slave", handler=slave, answer=Slave, scope="read", summary="Our own Modbus slave"),
    Route(
        method="PATCH",
        path="/slave",
        handler=switch,
        body=SlaveSwitch,
        answer=Applied,
        scope="admin",
        summary="Switch the slave, and its encryption",
    ),
)
