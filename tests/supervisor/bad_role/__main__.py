"""Entry of the spawned role, as every role has one."""

from tests.supervisor.bad_role.actor import main

main()
