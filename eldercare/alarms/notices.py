"""What people are told of an alarm. Texts say that somebody is needed, never why: a locked screen shows them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from eldercare.alarms.models import Alarm
from notifications.api import Category, Channel, Kind, Notice, Value, send

ORIGIN = "eldercare.alarm"
"""The origin kind of the deliveries a ladder waits for."""

_ABOUT: dict[str, Kind] = {"resident": "resident", "mode": "word"}
_PHONE: tuple[Channel, ...] = ("push", "sms", "inbox")

# Whoever raised an alarm or answered one waits to be told how it goes on, at any hour and each time.
ALARMS = Category(
    key="alarms",
    names={"en": "Alarms", "zh-CN": "警报"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)
ACCESS = Category(key="access", names={"en": "Access to my data", "zh-CN": "我的数据访问"}, mutable=False)

_notice = partial(Notice, category="alarms", package="eldercare.alarms")
_call = partial(_notice, urgency="critical", useful_for=timedelta(minutes=30))
_word = partial(_notice, urgency="high", mode="first", channels=_PHONE)

STEP = _call(
    key="eldercare.alarm_step",
    channels=("push", "sms", "voice", "mail", "inbox"),
    variables=_ABOUT | {"raised_at": "instant", "code": "word"},
)
STEP_LATE = _call(
    key="eldercare.alarm_step_late",
    channels=STEP.channels,
    variables=_ABOUT | {"pressed_at": "instant", "code": "word"},
)
"""Of a call for help that arrives long after it was pressed: a notice of its own, as it says so everywhere."""
AGAIN = _call(key="eldercare.alarm_again", channels=_PHONE, variables=_ABOUT)
AGAIN_LATE = _call(key="eldercare.alarm_again_late", channels=_PHONE, variables=_ABOUT | {"pressed_at": "instant"})
LAPSED = _call(key="eldercare.alarm_lapsed", channels=_PHONE, variables=_ABOUT)
TAKEN = _word(key="eldercare.alarm_taken", variables=_ABOUT | {"responder": "account"})
CLOSED = _word(key="eldercare.alarm_closed", variables=_ABOUT | {"outcome": "word"})
CARER_THERE = _word(key="eldercare.alarm_carer_there", variables=_ABOUT)
HELP_IS_COMING = _word(
    key="eldercare.alarm_help_is_coming",
    variables={"responder": "account", "mode": "word"},
    useful_for=timedelta(minutes=30),
)
_access = partial(
    Notice, category="access", package="eldercare.alarms", urgency="normal", channels=("push", "inbox"), mode="first"
)
ACCESS_OPENED = _access(
    key="eldercare.alarm_access_opened", variables={"raised_at": "instant"}, useful_for=timedelta(days=1)
)
ACCESS_ENDED = _access(key="eldercare.alarm_access_ended", variables={"people": "integer", "raised_at": "instant"})


async def tell(
    session: AsyncSession,
    notice: Notice,
    alarm: Alarm,
    account_ids: Sequence[uuid.UUID],
    occasion: str,
    *,
    variables: Mapping[str, Value] | None = None,
    channels: Sequence[Channel] | None = None,
    is_awaited: bool = False,
) -> list[uuid.UUID]:
    """Write ``notice`` about ``alarm`` for the accounts and return the deliveries' ids.

    ``occasion`` makes the key under which a recipient gets it once. What becomes of a notice that ``is_awaited`` comes
    back to the ladder.
    """
    about: dict[str, Value] = {"resident": alarm.resident_id, "mode": "test" if alarm.is_test else "real"}
    given = {name: value for name, value in about.items() if name in notice.variables} | dict(variables or {})
    return await send(
        session,
        notice,
        list(dict.fromkeys(account_ids)),
        community_id=alarm.community_id,
        dedupe_key=f"alarm:{alarm.id}:{occasion}",
        variables=given,
        about=alarm.resident_id,
        origin=(ORIGIN, alarm.id) if is_awaited else None,
        data={"alarm_id": str(alarm.id), "resident_id": str(alarm.resident_id)},
        channels=channels,
    )
