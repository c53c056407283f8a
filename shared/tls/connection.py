"""OpenSSL's connection without what pyOpenSSL does around each read and write: half of their cost.

The names with an underscore are pyOpenSSL's and may change with it. Where they are gone, this is an ordinary
`SSL.Connection`, only slower; a test tells.
"""

from typing import Any, Final

from OpenSSL import SSL

READ_SIZE: Final = 2048
"""Most that one `recv` returns. A request is smaller; a record may be larger."""

_lib: Final[Any] = vars(SSL).get("_lib")
_ffi: Final[Any] = vars(SSL).get("_ffi")

DIRECT: Final = hasattr(_lib, "SSL_read") and hasattr(_lib, "SSL_write") and hasattr(_ffi, "buffer")
"""Whether OpenSSL is called directly."""

_READ: Final[Any] = getattr(_lib, "SSL_read", None)
_WRITE: Final[Any] = getattr(_lib, "SSL_write", None)
_ROOM: Final[Any] = _ffi.new("char[]", READ_SIZE) if DIRECT else None  # for all connections: copied out at once
_CONTENT: Final[Any] = _ffi.buffer(_ROOM) if DIRECT else None


class TlsConnection(SSL.Connection):
    """A pyOpenSSL connection for one thread, with cheaper `recv` and `send`."""

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        """At most `bufsiz` and at most READ_SIZE bytes; `flags` are not supported."""
        if not DIRECT or flags:
            return super().recv(bufsiz, flags)
        count = _READ(self._ssl, _ROOM, min(bufsiz, READ_SIZE))
        if count <= 0:
            self._raise_ssl_error(self._ssl, count)
        return bytes(_CONTENT[:count])

    def send(self, buf: Any, flags: int = 0) -> int:
        """How many bytes of `buf` were taken."""
        if not DIRECT:
            return super().send(buf, flags)
        if type(buf) is not bytes:
            buf = bytes(buf)
        count: int = _WRITE(self._ssl, buf, len(buf))
        if count <= 0:
            self._raise_ssl_error(self._ssl, count)
        return count

    def _raise_ssl_error(self, ssl: Any, result: int) -> None:
        if result <= 0:  # above zero is success, SSL_get_error(3)
            super()._raise_ssl_error(ssl, result)
