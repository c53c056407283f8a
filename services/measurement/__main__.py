"""`python -m services.measurement`: the role by hand, or under a supervisor."""

from services.measurement.actor import ACTOR
from shared.actor import main

if __name__ == "__main__":
    main(ACTOR)
