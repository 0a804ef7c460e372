"""The notice that tells of several at once: how many of which categories, never what they say."""

from typing import Final

from notifications.templates.categories import DIGESTS
from notifications.templates.notices import Notice

DIGEST: Final = Notice(
    key="notifications.digest",
    category=DIGESTS.key,
    urgency="normal",
    channels=("push", "sms", "voice", "mail"),
    mode="first",
    package="notifications.digests",
    variables={"count": "integer", "contents": "categories"},
)
