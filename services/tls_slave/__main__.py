"""`python -m services.tls_slave`."""

from services.tls_slave.actor import ACTOR
from shared.actor import main

main(ACTOR)
