"""Where an app may have people sent back to (RFC 9700, 2.1; RFC 8252, 7)."""

from typing import Final
from urllib.parse import urlencode, urlsplit

MOST: Final = 10
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def check(address: str) -> None:
    """Raise ``ValueError`` unless people may be sent to ``address``: it is compared as it stands, sign by sign."""
    if not address.isascii() or any(sign.isspace() or sign in "\"'<>\\^`{|};," for sign in address):
        raise ValueError("an address in ASCII, escaped")
    parts = urlsplit(address)
    if parts.fragment or "#" in address:
        raise ValueError("without a fragment")
    if parts.username is not None or parts.password is not None:
        raise ValueError("without a user")
    match parts.scheme:
        case "https" if parts.hostname:
            return
        case "http" if parts.hostname in _LOOPBACK:
            return
        case scheme if "." in scheme and not parts.netloc:
            return  # an app's own, by a name it owns turned round
    raise ValueError("https, http on this device, or an app's own scheme (com.example.app:/back)")


def source(address: str) -> str:
    """Return what a content security policy calls the place ``address`` is at."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def answer(address: str, **parameters: str | None) -> str:
    """Return the address that takes an answer to an app, beside what its own query says."""
    said = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{address}{'&' if urlsplit(address).query else '?'}{said}"
