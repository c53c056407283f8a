"""Entry of `python -m services.register_store`."""

from services.register_store.actor import RegisterStore
from shared.actor import main

if __name__ == "__main__":
    main(RegisterStore)
