"""`python -m services.plain_slave`."""

from services.plain_slave.actor import ACTOR
from shared.actor import main

main(ACTOR)
