"""What the operator is told about the desk's hours."""

from datetime import timedelta

from notifications.api import Category, Notice

DUTY_DESK = Category(
    key="duty_desk",
    names={"en": "Duty desk", "zh-CN": "值班台"},
    mutable=False,
    digestible=False,
)

GAP = Notice(
    key="eldercare.desk_gap",
    category="duty_desk",
    urgency="high",
    channels=("push", "sms", "mail", "inbox"),
    package="eldercare.shifts",
    variables={"starts_at": "instant", "ends_at": "instant", "stage": "word"},
    useful_for=timedelta(hours=24),
)
