"""The register map for people at a terminal: live from the bus, or read from a slave over Modbus TCP."""
