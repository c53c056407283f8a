"""Listening in on the bus, for terminal, page and replay: everything that runs is followed, chosen, shown, recorded."""
