"""Modbus TCP as a slave. The way of a request: `server` -> `slave` -> `frame` -> `pdu` -> `access` -> `view`.

Everything but `server` is pure: no socket, no clock, no log.
"""
