"""Who works at the desk with an alarm: its dispatchers and operators, on residents their agreement covers."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import Actor
from app.identity.api import Member, member_guard, require_member
from eldercare.alarms.access import AlarmSubject, alarm_guard

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
_DESK: Final = ("operator", "dispatcher")
Desk = Annotated[Member, Depends(member_guard(*_DESK, organization_kind="operator"))]


def require_desk(actor: Actor) -> None:
    """Raise ``Forbidden`` for whoever does not work at the desk."""
    require_member(actor, *_DESK, organization_kind="operator")


@dataclass(frozen=True, slots=True)
class AtDesk:
    """Somebody at the desk and the alarm they work on."""

    actor: Actor
    alarm: AlarmSubject


async def _at_desk(member: Desk, alarm: Annotated[AlarmSubject, Depends(alarm_guard("alarms:respond"))]) -> AtDesk:
    return AtDesk(member.actor, alarm)


DeskAndAlarm = Annotated[AtDesk, Depends(_at_desk)]
"""The dependency of ``/duty-desk/alarms/{alarm_id}/…``: 401, 403 without a role at the desk, 404 as alarms have it."""
