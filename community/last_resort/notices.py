"""What the duty desk is told in the last resort: words and a number, as whatever is looked up is one more to fail."""

from datetime import timedelta

from notifications.api import Notice


def _stuck(what: str) -> Notice:
    return Notice(
        key=f"community.{what}_stuck",
        category="alarms",
        urgency="critical",
        channels=("push", "sms", "voice", "mail", "inbox"),
        package="community.last_resort",
        variables={"rows": "integer"},
        useful_for=timedelta(hours=1),
    )


ORDER_STUCK = _stuck("order")
TRIP_STUCK = _stuck("trip")
HOME_STUCK = _stuck("home")
