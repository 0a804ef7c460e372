"""What the duty desk is told in the last resort: words and a number, as whatever is looked up is one more to fail."""

from datetime import timedelta

from notifications.api import Notice


def _stuck(what: str) -> Notice:
    return Notice(
        key=f"eldercare.{what}_stuck",
        category="alarms",
        urgency="critical",
        channels=("push", "sms", "voice", "mail", "inbox"),
        package="eldercare.last_resort",
        variables={"rows": "integer"},
        useful_for=timedelta(hours=1),
    )


ALARM_STUCK = _stuck("alarm")
CHECK_IN_STUCK = _stuck("check_in")
CHECK_IN_PLAN_STUCK = _stuck("check_in_plan")
DOSE_STUCK = _stuck("dose")
REGIMEN_STUCK = _stuck("regimen")
VISIT_STUCK = _stuck("visit")
POSITION_WATCH_STUCK = _stuck("position_watch")
VITAL_LIMIT_STUCK = _stuck("vital_limit")
