"""Listening in on the bus for people: follow, show, record, replay. Subscribes only, so that it can disturb nothing."""
