"""Pure decisions about subscriptions: what a call may carry, and how one stands (FHIR R4, Subscription)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from notifications.api import EndpointStanding

Status = Literal["active", "error", "off"]

PAYLOAD: Final = "application/fhir+json"
COMPOSER: Final = "fhir.subscription"
MOST_HEADERS: Final = 10
_HEADER: Final = re.compile(
    r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}): ?(?P<value>[\x21-\x7e](?:[\x20-\x7e]{0,2000}))"
)
"""A field of RFC 9110: a token, and visible characters of ASCII."""
_OURS: Final = frozenset(
    {"connection", "content-length", "content-type", "expect", "host", "keep-alive", "link", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "user-agent", "accept-encoding"}
)
_WHY_OFF: Final[Mapping[str, str | None]] = {
    "by_hand": None,
    "gone": "the endpoint wants no more (410)",
    "failing": "the endpoint took nothing in three days",
    "not_allowed": "what is subscribed to may not be seen any more",
}


def header(text: str) -> tuple[str, str] | None:
    """Return the name and the value of a header that calls may carry; ``None`` if it is none, or ours to say."""
    matched = _HEADER.fullmatch(text)
    if matched is None or matched["name"].lower() in _OURS or matched["name"].lower().startswith("webhook-"):
        return None
    return matched["name"], matched["value"].rstrip()


def headers(texts: Sequence[str]) -> dict[str, str]:
    """Return the headers that were found good when they were sent."""
    return dict(filter(None, map(header, texts)))


def stands(endpoint: EndpointStanding, ends_at: datetime | None, now: datetime) -> tuple[Status, str | None]:
    """Return how a subscription stands, and what is wrong with it if something is."""
    if endpoint.disabled_reason is not None:
        return "off", _WHY_OFF[endpoint.disabled_reason]
    if ends_at is not None and ends_at <= now:
        return "off", "its end has come"
    if endpoint.failures:
        return "error", f"calls that failed since the endpoint last took something: {endpoint.failures}"
    return "active", None
