"""Notices that only the tests send, with texts beside them."""

from notifications.api import Notice

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
