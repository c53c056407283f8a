"""The certificate manager: single writer of the trust list and of the gateway's own keys.

seen -> pending -> decision of the owner -> trust list (durable) -> trust, to every TLS instance -> acknowledged
"""
