"""`python -m services.console`: the role by hand, or under a supervisor."""

from services.console.actor import ACTOR
from shared.actor import main

if __name__ == "__main__":
    main(ACTOR)
