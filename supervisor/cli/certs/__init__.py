"""`metergate certs`: the owner's decisions about certificates, and the gateway's own."""
