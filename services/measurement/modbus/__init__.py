"""A real meter on Modbus TCP: profile -> plan of requests -> client -> values. SunSpec meters are searched."""
