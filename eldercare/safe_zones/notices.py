"""What people are told of zones; a locked screen says that something was set or ended, not which place."""

from typing import Final

from notifications.api import Category, Notice

ZONES: Final = Category(key="safe_zones", names={"en": "Safe zones", "zh-CN": "安全区域"}, mutable=False)

ZONE_SET: Final = Notice(
    key="eldercare.zone_set",
    category="safe_zones",
    package="eldercare.safe_zones",
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    variables={"by": "account", "name": "text"},
)
ZONE_OFF: Final = Notice(
    key="eldercare.zone_off",
    category="safe_zones",
    package="eldercare.safe_zones",
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    variables={"resident": "resident", "by": "account", "how": "word"},
)
