"""The plain slave: serves the register image on Modbus TCP, for reading only."""
