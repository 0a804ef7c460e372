"""How long a receipt is waited for: only where one can come and somebody acts if it does not."""

from datetime import timedelta

from notifications.sending.repository import Told
from notifications.templates.notices import notices


def patience_with(delivery: Told, *, confirms: bool) -> timedelta | None:
    """Return how long to wait for the receipt of a delivery that was sent, ``None`` if none is awaited.

    ``confirms`` says whether what took it can confirm it.
    """
    is_awaited = bool(delivery.fallbacks) or delivery.origin_id is not None
    notice = notices().get(delivery.notice_key)
    return notice.patience if notice and is_awaited and confirms else None
