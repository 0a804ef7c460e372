"""Who may see and change what a home does by itself: the resident, whom they let manage it, and who lives there too."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import Forbidden, NotFound
from app.identity.api import ResidentSubject, granted_accounts, require_resident
from community.home_automations.models import AUTOMATIONS, SCENES
from community.home_automations.problems import HomeNotActive, ResidentsOwn
from community.home_automations.rules.definitions import CareEvent
from community.homes.models import HOMES, RESIDENTS

READ: Final = "home:read"
CONTROL: Final = "home:control"
MANAGE: Final = "home:manage"
TOLD: Final = "home:activity"
"""What somebody has to be granted at least to be told of by an automation."""

OF_CARE: Final[Mapping[CareEvent, str]] = {
    "check_in_missed": "check_ins:read",
    "check_in_answered": "check_ins:read",
    "alarm_raised": "alarms:read",
    "alarm_resolved": "alarms:read",
}
"""What somebody has to be granted to have a home do, or tell, something when that happens."""

_HOME_ID = sa.bindparam("home_id", type_=sa.Uuid)
_COLUMNS: Final = [HOMES.c[name] for name in ("id", "community_id", "resident_id", "time_zone", "state")]
_HOME: Final = sa.select(*_COLUMNS).where(HOMES.c.id == _HOME_ID)
_SCENE: Final = sa.select(SCENES.c.home_id).where(SCENES.c.id == sa.bindparam("scene_id", type_=sa.Uuid))
_AUTOMATION: Final = sa.select(AUTOMATIONS.c.home_id).where(
    AUTOMATIONS.c.id == sa.bindparam("automation_id", type_=sa.Uuid)
)
_LIVES_THERE: Final = sa.select(RESIDENTS.c.id).where(
    RESIDENTS.c.home_id == _HOME_ID, RESIDENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
)
_granted: Final = sa.union(*(granted_accounts(scope) for scope in (TOLD, READ, MANAGE))).subquery("granted")
_GRANTED: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
)
_managing: Final = granted_accounts(MANAGE).subquery("managing")
_MANAGING: Final = sa.select(_managing.c.account_id).where(
    _managing.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
)


@dataclass(frozen=True, slots=True)
class HomeSubject:
    """The home a request is about; ``subject`` is its holder, and how the actor is related to them."""

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    time_zone: str
    state: str
    subject: ResidentSubject
    lives_there: bool = False

    @property
    def is_holder(self) -> bool:
        """Say whether the resident asks, whose home it is."""
        return self.subject.relation == "self"

    def require_active(self) -> None:
        """Raise ``HomeNotActive`` for a home that is not connected."""
        if self.state != "active":
            raise HomeNotActive

    def require_holder(self) -> None:
        """Raise ``ResidentsOwn`` for anybody but the resident whose home it is."""
        if not self.is_holder:
            raise ResidentsOwn


async def require_home(
    connection: AsyncConnection, actor: Actor, home_id: uuid.UUID, *scopes: str, living_there: bool = False
) -> HomeSubject:
    """Return a home on whose resident the actor has one of ``scopes``; ``living_there`` is enough where it is said.

    Raises ``NotFound`` if they may not know whose home it is, ``Forbidden`` if they may but have none of the scopes.
    """
    row = (await connection.execute(_HOME, {"home_id": home_id})).one_or_none()
    if row is None:
        raise NotFound
    refusal: NotFound | Forbidden = NotFound()
    for scope in scopes:
        try:
            subject = await require_resident(connection, actor, row.resident_id, scope)
        except (NotFound, Forbidden) as found:
            refusal = found
        else:
            return _of(row, subject, lives_there=subject.relation == "self")
    if actor.resident_id is None or actor.scopes is not None:
        raise refusal
    binds = {"home_id": row.id, "resident_id": actor.resident_id}
    if (await connection.execute(_LIVES_THERE, binds)).first() is None:
        raise refusal
    if not living_there:
        raise Forbidden("this is for whoever may manage the home")
    # Whose home it is may see that somebody looked, though they live there together.
    subject = ResidentSubject(row.resident_id, row.community_id, actor.id, row.time_zone, "active", relation="granted")
    return _of(row, subject, lives_there=True)


def _of(row: Any, subject: ResidentSubject, *, lives_there: bool) -> HomeSubject:
    return HomeSubject(
        id=row.id,
        community_id=row.community_id,
        resident_id=row.resident_id,
        time_zone=row.time_zone,
        state=row.state,
        subject=subject,
        lives_there=lives_there,
    )


async def require_scene(
    connection: AsyncConnection, actor: Actor, scene_id: uuid.UUID, *scopes: str, living_there: bool = False
) -> HomeSubject:
    """Return the home a scene belongs to; raises as ``require_home``."""
    row = (await connection.execute(_SCENE, {"scene_id": scene_id})).one_or_none()
    if row is None:
        raise NotFound
    return await require_home(connection, actor, row.home_id, *scopes, living_there=living_there)


async def require_automation(
    connection: AsyncConnection, actor: Actor, automation_id: uuid.UUID, *scopes: str, living_there: bool = False
) -> HomeSubject:
    """Return the home an automation belongs to; raises as ``require_home``."""
    row = (await connection.execute(_AUTOMATION, {"automation_id": automation_id})).one_or_none()
    if row is None:
        raise NotFound
    return await require_home(connection, actor, row.home_id, *scopes, living_there=living_there)


async def require_care(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, events: Collection[CareEvent]
) -> None:
    """Raise ``Forbidden`` unless the actor may know of what happens in the resident's care anyway."""
    for scope in sorted({OF_CARE[event] for event in events}):
        await require_resident(connection, actor, resident_id, scope)


async def may_be_told(connection: AsyncConnection, resident_id: uuid.UUID, at: datetime) -> set[uuid.UUID]:
    """Return the accounts an automation may tell: those the resident lets know of their home, at an instant."""
    return set(await _ids(connection, _GRANTED, resident_id, at))


async def managing(connection: AsyncConnection, resident_id: uuid.UUID, at: datetime) -> set[uuid.UUID]:
    """Return the accounts whom the resident lets manage their home, at an instant."""
    return set(await _ids(connection, _MANAGING, resident_id, at))


async def _ids(connection: AsyncConnection, statement: sa.Select[Any], resident_id: uuid.UUID, at: datetime) -> Any:
    return (await connection.execute(statement, {"resident_id": resident_id, "granted_at": at})).scalars()
