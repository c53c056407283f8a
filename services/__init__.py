"""One package per role, each a process. None imports another.

In the order of the data: measurement, register_store, then who gives its image away: plain_slave, tls_slave,
master_pusher. Beside them: certificate_manager says who is trusted, console is where the owner looks and decides.
"""
