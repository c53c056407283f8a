"""One package per role, each a process. In the order of the data: measurement, register_store, plain_slave."""
