"""What people are told about care circles."""

from notifications.api import Category, Notice

CARE_CIRCLE = Category(key="care_circle", names={"en": "Care circle", "zh-CN": "关怀圈"})

INVITATION = Notice(
    key="eldercare.circle_invitation",
    category="care_circle",
    urgency="high",
    channels=("push", "sms", "mail", "inbox"),
    package="eldercare.care_circle",
    variables={"resident": "resident"},
)
ANSWER = Notice(
    key="eldercare.circle_answer",
    category="care_circle",
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="eldercare.care_circle",
    variables={"member": "account", "answer": "word"},
)
LEFT = Notice(
    key="eldercare.circle_left",
    category="care_circle",
    urgency="high",
    channels=("push", "sms", "inbox"),
    mode="first",
    package="eldercare.care_circle",
    variables={"member": "account"},
)
