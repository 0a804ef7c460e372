"""What operators are told: that the books differ from the gateway's; by how much is for the command that lists it."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

BOOKS: Final = Category(key="books", names={"en": "Books", "zh-CN": "账目"})
BOOKS_DIFFER: Final = Notice(
    key="billing.books_differ",
    category=BOOKS.key,
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    package="app.billing.reconciliation",
    variables={"ref": "text"},
    useful_for=timedelta(days=7),
)
