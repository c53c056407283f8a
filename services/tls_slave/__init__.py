"""The TLS slave: serves the register image on Modbus/TCP Security to whom the owner accepted."""
