"""`python -m services.register_store`: the role by hand, or under a supervisor."""

from services.register_store.actor import ACTOR
from shared.actor import main

if __name__ == "__main__":
    main(ACTOR)
