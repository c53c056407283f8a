"""`python -m services.master_pusher`."""

from services.master_pusher.actor import ACTOR
from shared.actor import main

main(ACTOR)
