"""`metergate slaves`: the receivers that are pushed to, and trying one."""
