"""Modbus/TCP Security: own keys, what a peer's certificate says, who is trusted with what, and TLS on asyncio."""
