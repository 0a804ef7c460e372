"""What people are told of new messages: that there is one. What it says is read in the app."""

from datetime import timedelta

from notifications.api import Category, Notice

CIRCLE_MESSAGES = Category(key="circle_messages", names={"en": "Messages of the circle", "zh-CN": "关怀圈消息"})

MESSAGE = Notice(
    key="eldercare.circle_message",
    category="circle_messages",
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="eldercare.messages",
    variables={"author": "account"},
    useful_for=timedelta(hours=24),
)
