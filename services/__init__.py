"""One package per role, each a process of its own. In the order of the data: measurement, register_store, plain_slave."""
