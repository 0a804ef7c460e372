"""Notices that only the tests send, with texts beside them."""

from datetime import timedelta

from notifications.api import Category, Notice
from notifications.templates.categories import Cap

TESTS = Category(key="tests", names={"en": "Tests", "zh-CN": "测试"}, cap=None)
DEVICES = Category(key="tests_devices", names={"en": "Devices", "zh-CN": "设备"}, cap=Cap(3, timedelta(hours=1)))

PROMPT = Notice(
    key="tests.prompt",
    category="tests",
    urgency="high",
    channels=("push", "sms", "inbox"),
    mode="first",
    package="tests.notifications",
    variables={"resident": "resident", "due_at": "instant"},
)
ALARM = Notice(
    key="tests.alarm",
    category="tests",
    urgency="critical",
    channels=("push", "sms"),
    package="tests.notifications",
    variables={"resident": "resident"},
)
NEWS = Notice(
    key="tests.news",
    category="tests",
    urgency="low",
    channels=("mail", "inbox"),
    package="tests.notifications",
    variables={"headline": "text", "count": "integer"},
)
REACH = Notice(
    key="tests.reach",
    category="tests",
    urgency="high",
    channels=("sms", "voice", "mail"),
    mode="first",
    package="tests.notifications",
    variables={"resident": "resident", "due_at": "instant"},
)
LAMP = Notice(
    key="tests.lamp",
    category="tests_devices",
    urgency="high",
    channels=("sms", "inbox"),
    package="tests.notifications",
    variables={"resident": "resident"},
    useful_for=timedelta(hours=18),
)
FIRE = Notice(
    key="tests.fire",
    category="tests_devices",
    urgency="critical",
    channels=("sms", "inbox"),
    package="tests.notifications",
    variables={"resident": "resident"},
)
CIRCLE_STEP = Notice(
    key="tests.circle_step",
    category="tests",
    urgency="critical",
    channels=("push",),
    package="tests.notifications",
    variables={"resident": "resident", "helper": "account"},
)
