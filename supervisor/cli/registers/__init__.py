"""`metergate registers` and `metergate read`: the map live from the bus, and read from a slave over Modbus TCP."""
