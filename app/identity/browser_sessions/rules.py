"""How long a browser stays signed in, and what is derived from its secret: pure decisions."""

import base64
import hmac
import uuid
from datetime import timedelta
from typing import Final

IDLE: Final = timedelta(days=30)
IDLE_OF_STAFF: Final = timedelta(hours=12)
"""A shift: what stands on a desk that others walk past is not left open longer."""

COARSE: Final = timedelta(hours=1)
"""How often use is written down at most: a page asks a dozen times."""

_CSRF: Final = b"hearthline form"
_IN_VIEW: Final = "."  # no letter of base64url


def idle(*, is_staff: bool) -> timedelta:
    """Return how long a browser stays signed in without being used."""
    return IDLE_OF_STAFF if is_staff else IDLE


def csrf_of(secret: str) -> str:
    """Return what the forms of this browser carry: whoever knows it has read our pages, and cannot tell the cookie."""
    mark = hmac.digest(secret.encode(), _CSRF, "sha256")
    return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


def csrf_in_view(csrf: str, viewing_id: uuid.UUID) -> str:
    """Return what forms carry while support looks on: what was shown of somebody is sent as nobody else afterwards."""
    return f"{csrf}{_IN_VIEW}{viewing_id}"


def is_of_browser(given: str, csrf: str) -> bool:
    """Say whether what a form carried is of the browser whose forms carry ``csrf``, whoever was looked on as then."""
    one, other = (text.partition(_IN_VIEW)[0] for text in (given, csrf))
    return hmac.compare_digest(one.encode(), other.encode())
