"""Calls to addresses that others chose: https only and never into our own network, as is checked when connecting."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:  # slow to import, and only the processes that call somebody need it
    import aiohttp

MAX_ANSWER: Final = 65_536  # bytes
CONNECT_SECONDS: Final = 5.0
MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_RESOLVE_SECONDS: Final = 5.0


class AddressForbidden(OSError):  # noqa: N818 - says what happened
    """An address that is not to be called: not https, not public, or unknown."""

    def __init__(self) -> None:
        # One text for all: of several addresses of a name none may be told apart from the others by it.
        super().__init__(errno.EACCES, "the address is not allowed")


class AnswerTooBig(OSError):  # noqa: N818 - says what happened
    """More came back than is wanted."""


class TooManyRedirects(OSError):  # noqa: N818 - says what happened
    """An address leads to another, and that to another again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` holds as much of it as was wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the public internet; raises ``ValueError`` for anything else.

    Loopback, private, link-local, shared, multicast and reserved addresses do not (IANA's special-purpose registries),
    nor do those that lead to one of them inside IPv6.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.ipv4_mapped is not None or ip.sixtofour is not None or ip.is_site_local:
            return False  # no name on the internet needs them
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Raise ``AddressForbidden`` for a URL that may not be called, as far as can be told before its name is resolved.

    With ``allow_private`` (tests, and organizations in one's own network) http and private addresses will do.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # an invalid port raises
    except ValueError:
        raise AddressForbidden from None
    if not host or parts.username is not None or parts.password is not None:
        raise AddressForbidden
    _require_scheme(parts.scheme, allow_private=allow_private)
    try:
        public = is_public(host)
    except ValueError:  # a name: judged by what it resolves to
        return
    if not public and not allow_private:
        raise AddressForbidden


async def require_allowed(url: str, *, allow_private: bool) -> None:
    """Raise ``AddressForbidden`` unless ``url`` may be called as of now; who calls it is checked again."""
    check_url(url, allow_private=allow_private)
    parts = urlsplit(url)
    if allow_private:
        return
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(
                parts.hostname or "", parts.port or 443, type=socket.SOCK_STREAM
            )
    except (OSError, ValueError, TimeoutError):  # ValueError: not a name that can be looked up
        raise AddressForbidden from None
    if not found or not all(is_public(str(address[0])) for *_, address in found):
        raise AddressForbidden


def outbound_session(
    allow_private: bool,
    *,
    total: float | None = 15.0,
    most: int = 0,
    most_per_host: int = 0,
    traces: "Sequence[aiohttp.TraceConfig]" = (),
) -> "aiohttp.ClientSession":
    """Return a session for addresses that others chose.

    Each call takes ``total`` seconds at most, the wait for one of the ``most`` connections included;
    0 connections are as many as it takes. ``traces`` are told how each call comes along.

    Every connection is checked by the address it goes to, after names were looked up: a name that changes its mind gets
    nowhere. Cookies, the environment's proxies and compressed answers are ignored. With ``allow_private`` everything
    may be called, http among it.
    """

    import aiohttp  # noqa: PLC0415 - see above

    async def only_https(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        _require_scheme(request.url.scheme, allow_private=allow_private)
        return await handler(request)

    connector = aiohttp.TCPConnector(
        limit=most, limit_per_host=most_per_host, socket_factory=None if allow_private else _public_socket
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Hearthline", "Accept-Encoding": "identity"},
        auto_decompress=False,
        middlewares=(only_https,),
        trace_configs=list(traces),
    )


async def send(
    session: "aiohttp.ClientSession", method: str, url: str, *, data: bytes, headers: Mapping[str, str]
) -> Answer:
    """Send ``data`` and return the answer; redirects are answers like others.

    Raises ``TimeoutError``, ``AddressForbidden`` or ``aiohttp.ClientError``.
    """
    import aiohttp  # noqa: PLC0415 - see above

    try:
        async with session.request(method, url, data=data or None, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await _beginning(response, MAX_ANSWER))
    except aiohttp.ClientOSError as error:
        if is_forbidden(error):
            raise AddressForbidden from None
        raise


async def get(session: "aiohttp.ClientSession", url: str, *, headers: Mapping[str, str], most: int) -> Answer:
    """Get what is at ``url`` and return the answer, ``most`` bytes of it; up to ``MOST_REDIRECTS`` are followed.

    Where a redirect leads is checked like any other address, and what is asked goes there, too. Raises what ``send``
    raises, ``AnswerTooBig`` and ``TooManyRedirects``.
    """
    import aiohttp  # noqa: PLC0415 - see above

    try:
        for _ in range(MOST_REDIRECTS + 1):
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in _REDIRECTS or "Location" not in response.headers:
                    body = await _beginning(response, most + 1)
                    if len(body) > most:
                        raise AnswerTooBig
                    return Answer(response.status, response.headers, body)
                url = urljoin(url, response.headers["Location"])
    except aiohttp.ClientOSError as error:
        if is_forbidden(error):
            raise AddressForbidden from None
        raise
    raise TooManyRedirects


def is_forbidden(error: Exception) -> bool:
    """Say whether a call failed because its address is not allowed.

    It comes wrapped: from a connection as what the system said, from the check of the scheme as the cause.
    """
    return AddressForbidden in (type(error), type(error.__cause__), type(getattr(error, "os_error", None)))


async def _beginning(response: "aiohttp.ClientResponse", most: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= most:
            response.close()  # what else it has to say is not waited for
            break
    return bytes(body[:most])


def _require_scheme(scheme: str, *, allow_private: bool) -> None:
    if scheme != "https" and not (allow_private and scheme == "http"):
        raise AddressForbidden


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise AddressForbidden
    return socket.socket(family, kind, protocol)
