"""A real meter on Modbus TCP: profile -> plan of requests -> wire, plain or TLS -> values. SunSpec is searched."""
