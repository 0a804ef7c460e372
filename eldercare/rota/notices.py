"""What a circle and the operator are told about the rota."""

from datetime import timedelta

from notifications.api import Notice

SWAP_OFFERED = Notice(
    key="eldercare.swap_offered",
    category="care_circle",
    urgency="high",
    channels=("push", "sms", "inbox"),
    mode="first",
    package="eldercare.rota",
    variables={"resident": "resident", "giver": "account", "starts_at": "instant", "ends_at": "instant"},
)
SWAP_CHANGED = Notice(
    key="eldercare.swap_changed",
    category="care_circle",
    urgency="high",
    channels=("push", "sms", "inbox"),
    mode="first",
    package="eldercare.rota",
    variables={
        "resident": "resident",
        "other": "account",
        "starts_at": "instant",
        "ends_at": "instant",
        "state": "word",
    },
)
GAP = Notice(
    key="eldercare.rota_gap",
    category="care_circle",
    urgency="high",
    channels=("push", "mail", "inbox"),
    package="eldercare.rota",
    variables={"resident": "resident", "starts_at": "instant", "ends_at": "instant"},
    useful_for=timedelta(hours=48),
)
CIRCLE_EMPTY = Notice(
    key="eldercare.circle_empty",
    category="care_circle",
    urgency="high",
    channels=("push", "mail", "inbox"),
    package="eldercare.rota",
    variables={"resident": "resident"},
)
OWN_CIRCLE_EMPTY = Notice(
    key="eldercare.own_circle_empty",
    category="care_circle",
    urgency="high",
    channels=("push", "sms", "voice", "inbox"),
    mode="first",
    package="eldercare.rota",
    variables={"resident": "resident"},
)
