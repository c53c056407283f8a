"""Listening in on the bus at a terminal: count, replay."""
