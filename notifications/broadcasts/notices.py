"""The notice that carries what staff announces, in the words it was given."""

from datetime import timedelta
from typing import Final

from notifications.templates.categories import Category
from notifications.templates.notices import Notice

BROADCAST_ID: Final = "broadcast_id"
"""Where the data of an announcement's deliveries names its broadcast."""

ANNOUNCEMENTS = Category(key="announcements", names={"en": "Announcements", "zh-CN": "公告"}, cap=None)

ANNOUNCEMENT: Final = Notice(
    key="notifications.announcement",
    category="announcements",
    urgency="normal",
    channels=("push", "sms", "mail", "inbox"),
    mode="first",
    package="notifications.broadcasts",
    variables={"announcement": "announcement"},
    useful_for=timedelta(days=3),
)
