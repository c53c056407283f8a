"""The KSEM register map as data, and the way from a measurement to register bytes."""
