"""What people are told of visits. Texts say who, when and that somebody is needed, never what for."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Channel, Kind, Notice, Urgency

VISITS: Final = Category(key="visits", names={"en": "Visits", "zh-CN": "上门服务"})
# Whom it reaches answers for somebody who waits, or is alone with a stranger: at any hour, each time.
VISIT_TROUBLE: Final = Category(
    key="visit_trouble",
    names={"en": "Visits in trouble", "zh-CN": "上门服务异常"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)

_A_DAY: Final = timedelta(days=1)
_VISIT: Final[dict[str, Kind]] = {"resident": "resident", "starts_at": "instant"}
_PHONE: Final[tuple[Channel, ...]] = ("push", "sms", "inbox")


def _notice(
    name: str,
    *,
    urgency: Urgency = "normal",
    category: str = "visits",
    channels: tuple[Channel, ...] = ("push", "inbox"),
    variables: dict[str, Kind] | None = None,
    useful_for: timedelta = _A_DAY,
) -> Notice:
    return Notice(
        key=f"eldercare.{name}",
        category=category,
        urgency=urgency,
        channels=channels,
        mode="first",
        package="eldercare.visits",
        variables=_VISIT if variables is None else variables,
        useful_for=useful_for,
    )


def _trouble(name: str, *, urgency: Urgency = "high", variables: dict[str, Kind] | None = None) -> Notice:
    return _notice(name, urgency=urgency, category=VISIT_TROUBLE.key, channels=_PHONE, variables=variables)


_MOVED: Final = {**_VISIT, "from_starts_at": "instant"}
_WHO: Final = {**_VISIT, "carer": "account"}

VISIT_ASSIGNED: Final = _notice("visit_assigned")
VISIT_UNASSIGNED: Final = _notice("visit_unassigned", channels=_PHONE)
VISIT_MOVED: Final = _notice("visit_moved", channels=_PHONE, variables=_MOVED)
VISITS_OFF: Final = _notice("visits_off", urgency="high", channels=_PHONE, variables={**_VISIT, "until": "instant"})
VISITS_ON: Final = _trouble("visits_on")
VISITS_AGAIN: Final = _notice("visits_again", channels=_PHONE, variables={**_VISIT, "visits": "integer"})
VISITS_NOT_AGAIN: Final = _trouble("visits_not_again", variables={**_WHO, "visits": "integer", "reason": "word"})
VISITS_CARER_UNAVAILABLE: Final = _trouble("visits_carer_unavailable", variables={**_WHO, "visits": "integer"})
VISIT_CANCELLED: Final = _notice("visit_cancelled", channels=_PHONE)
VISIT_LATE: Final = _trouble("visit_late")
VISIT_MISSED: Final = _trouble("visit_missed")
VISIT_UNCOVERED: Final = _trouble("visit_uncovered")
VISIT_SHORT: Final = _trouble("visit_short")
CHECK_OUT_DUE: Final = _trouble("check_out_due")
CHECK_OUT_OVERDUE: Final = _trouble("check_out_overdue", urgency="critical", variables=_WHO)
