"""What every role stands on: bus, settings, register map, Modbus. Imports no service."""
