"""Notices that only the tests send, with texts beside them."""

from notifications.api import Notice
from notifications.templates.categories import Category

TESTS = Category(key="tests", names={"en": "Tests", "zh-CN": "测试"})
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
