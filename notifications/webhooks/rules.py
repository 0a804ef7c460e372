"""Pure decisions about webhooks: what is signed and how, what an answer makes of a delivery, when to try again.

Signatures and headers are those of Standard Webhooks (https://www.standardwebhooks.com), symmetric scheme ``v1``.
"""

import base64
import hashlib
import hmac
import random
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import orjson

from notifications.webhooks.catalogue import TEST
from notifications.webhooks.models import DeliveryState, DisabledReason

WAKE_CHANNEL: Final = "notifications.webhooks"
GIVE_UP_AFTER: Final = timedelta(days=3)
FIRST_DELAY: Final = timedelta(seconds=5)
LONGEST_DELAY: Final = timedelta(hours=6)
ENDPOINT_DISABLED: Final = "endpoint_disabled"
_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32  # Standard Webhooks asks for 24 to 64
_GONE: Final = 410


def new_secret() -> str:
    """Return a new signing secret as Standard Webhooks writes it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def body(event_type: str, occurred_at: datetime, data: Mapping[str, Any]) -> bytes:
    """Return what is posted; it is the same each time it is sent."""
    return orjson.dumps({"type": event_type, "timestamp": occurred_at.isoformat(), "data": data})


def sign(secret: str, event_id: str, timestamp: int, content: bytes) -> str:
    """Return one signature: ``v1,`` and the base64 of HMAC-SHA256 over ``<id>.<timestamp>.<body>``."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + content
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def headers(event_id: uuid.UUID, now: datetime, content: bytes, signing: Sequence[str]) -> dict[str, str]:
    """Return the headers that say who calls, with a signature for each of the secrets ``signing``."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, str(event_id), timestamp, content) for secret in signing),
    }


def below(url: str, path: str) -> str:
    """Return the address of ``path`` (which begins with a slash, if it is not empty) below an endpoint's."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path)) if path else url


@dataclass(frozen=True, slots=True)
class Result:
    """How a call went: a status if there was an answer, a code if it failed, when the other side wants to be asked.

    ``withheld``: it was not made, as there is nothing any more that the endpoint may be told.
    """

    status: int | None = None
    error: str | None = None
    retry_at: datetime | None = None
    withheld: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the endpoint took it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants no more of anything (410)."""
        return self.status == _GONE

    @property
    def code(self) -> str | None:
        """What went wrong, in a word."""
        return None if self.delivered else self.error or f"http_{self.status}"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a delivery; ``send_at`` if it is queued again."""

    state: DeliveryState
    send_at: datetime | None = None
    error: str | None = None


def settle(
    event_type: str, attempts: int, queued_at: datetime, result: Result, now: datetime, *, enabled: bool
) -> Settlement:
    """Return what ``result`` of the ``attempts``-th attempt makes of a delivery; a test is tried once."""
    if result.delivered:
        return Settlement("delivered")
    if not enabled or result.gone or result.withheld or event_type == TEST:
        return Settlement("failed", error=result.code)
    again = next_attempt(now, attempts, result.retry_at)
    if again >= queued_at + GIVE_UP_AFTER:
        return Settlement("failed", error=result.code)
    return Settlement("queued", again, result.code)


def next_attempt(now: datetime, attempts: int, asked: datetime | None) -> datetime:
    """Return when to try again after ``attempts`` attempts: doubling with jitter, not before the endpoint wants."""
    doubled: timedelta = min(FIRST_DELAY * 2 ** min(max(attempts, 1) - 1, 20), LONGEST_DELAY)
    jittered = now + doubled * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load
    return max(jittered, asked or jittered)


def retry_at(header: str | None, now: datetime) -> datetime | None:
    """Return the instant a ``Retry-After`` header names: seconds or an HTTP date (RFC 9110), a day ahead at most."""
    if not header:
        return None
    try:
        wanted = now + timedelta(seconds=int(header)) if header.isdecimal() else parsedate_to_datetime(header)
        return min(wanted, now + timedelta(days=1))
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
        return None


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that was just settled as failed, as far as its endpoint's fate hangs on it."""

    event_type: str
    queued_at: datetime
    gone: bool


def reason_to_disable(ended: Sequence[Ended], delivered_at: datetime | None) -> DisabledReason | None:
    """Return why an endpoint that last took something at ``delivered_at`` is disabled, if it is.

    At once when it says it is gone; otherwise when it took nothing in all the time a delivery was tried.
    """
    if any(end.gone for end in ended):
        return "gone"
    given_up = [end for end in ended if end.event_type != TEST]
    if any(delivered_at is None or delivered_at < end.queued_at for end in given_up):
        return "failing"
    return None
