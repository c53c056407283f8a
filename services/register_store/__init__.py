"""The register store: single writer of the register image and of the energy counters.

sample -> counters (integrate or guard) -> journal (durable) -> image (whole) -> whoever subscribes
"""
