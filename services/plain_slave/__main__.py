"""`python -m services.plain_slave`: the role by hand, or under a supervisor."""

from services.plain_slave.actor import ACTOR
from shared.actor import main

if __name__ == "__main__":
    main(ACTOR)
