"""What people are told about proxies."""

from notifications.api import Notice

PROPOSED = Notice(
    key="eldercare.proxy_proposed",
    category="access",
    urgency="normal",
    channels=("push", "mail", "inbox"),
    package="eldercare.proxies",
    variables={"resident": "resident", "proxy": "account"},
)
CHECKED = Notice(
    key="eldercare.proxy_checked",
    category="access",
    urgency="normal",
    channels=("push", "mail", "inbox"),
    package="eldercare.proxies",
    variables={"resident": "resident", "proxy": "account", "state": "word"},
)
