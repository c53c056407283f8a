"""Listening to the bus: which messages, from whom, and how a person reads them."""
