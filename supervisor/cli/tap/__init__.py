"""`metergate tap` and `metergate replay`: what crosses the bus, live and recorded."""
