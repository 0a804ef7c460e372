"""Calls to addresses that others named: https only, and never into our own network, whatever the name resolves to."""

import ipaddress
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 5.0
CONNECTIONS = 100
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_6TO4 = ipaddress.ip_network("2002::/16")


class UnsafeAddress(OSError):  # noqa: N818 - says what is wrong with it
    """An address that must not be called: not https, or not on the public internet."""


def is_public(address: str) -> bool:
    """Say whether an IP address (a scope is allowed) is on the public internet; also by whichever way it is dressed."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if any(parsed in network for network in _NAT64):
            parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        elif parsed in _6TO4:
            parsed = ipaddress.IPv4Address(int(parsed) >> 80 & 0xFFFFFFFF)
        else:
            parsed = parsed.ipv4_mapped or parsed
    return parsed.is_global and not parsed.is_multicast


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Raise ``UnsafeAddress`` for a URL that may not be called, as far as can be told before its name is resolved.

    With ``allow_private`` (tests, and organizations in one's own network) http and private addresses will do.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # an invalid port raises
    except ValueError as error:
        raise UnsafeAddress("not a URL") from error
    if not host or parts.username is not None or parts.password is not None:
        raise UnsafeAddress("not a URL with a host and without a user")
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise UnsafeAddress("not https")
    try:
        public = is_public(host)
    except ValueError:  # a name: judged by what it resolves to, when it is connected to
        return
    if not public and not allow_private:
        raise UnsafeAddress("not on the public internet")


def outbound_session(allow_private: bool, *, read_seconds: float = 10.0) -> "aiohttp.ClientSession":
    """Return an HTTP client that connects to public addresses only, unless ``allow_private``.

    The very address a socket is made for is looked at, so a name that resolves to something else the second time gains
    nothing. Refused calls raise ``aiohttp.ClientConnectorError``, whose ``os_error`` is an ``UnsafeAddress``. Check
    the URL with ``check_url`` first, and pass ``allow_redirects=False``. Proxies of the environment are not used.
    """
    import aiohttp  # noqa: PLC0415 - slow to import, and only a few processes call anybody

    def make_socket(found: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = found
        if not allow_private and not is_public(str(address[0])):
            raise UnsafeAddress("not on the public internet")
        return socket.socket(family, kind, protocol)

    # No total timeout: it would count the wait for a free connection, which says nothing about who is called.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=read_seconds)
    # One host that answers slowly holds no more than half of the connections.
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, limit_per_host=CONNECTIONS // 2, socket_factory=make_socket)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
