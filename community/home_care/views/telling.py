"""What is shown of care in a home: its rules, and what was noticed."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import trace_read
from community.home_care.access import HomeSubject
from community.home_care.models import CARES, INCIDENTS
from community.home_care.rules.mornings import Mornings, Usual, clock_face
from community.home_care.rules.settings import Settings
from community.home_care.schemas import Away, CareRulesPublic, IncidentPublic, UsualMorning

_CURSOR: Final = "home_incidents"
_CARE: Final = sa.select(CARES.c.settings, CARES.c.settings_version, CARES.c.usual).where(
    CARES.c.home_id == sa.bindparam("of_home", type_=sa.Uuid)
)
_SHOWN: Final = sa.select(*(INCIDENTS.c[name] for name in IncidentPublic.model_fields)).where(
    INCIDENTS.c.home_id == sa.bindparam("of_home", type_=sa.Uuid)
)


async def rules(connection: AsyncConnection, actor: Actor, subject: HomeSubject) -> CareRulesPublic:
    """Return how a home is watched; raises ``NotFound`` in the minute before it is."""
    row = (await connection.execute(_CARE, {"of_home": subject.id})).one_or_none()
    if row is None:
        raise NotFound
    await trace_read(connection, actor, subject.subject, "home_care_rules:read", subject.id)
    return rules_public(row)


def rules_public(row: Any) -> CareRulesPublic:
    """Return the rules of a care, a row or a model."""
    settings, usual = Settings.of(row.settings), row.usual or {}
    known = Mornings.of(usual.get("mornings"))
    names = ("night_from", "night_until", "bed_exit_minutes", "door_minutes", "bathroom_minutes", "stove_minutes")
    more = ("heat_from", "cold_until", "sustained_minutes", "no_motion_by")
    return CareRulesPublic(
        off=sorted(settings.off),  # type: ignore[arg-type]  # what is stored was one of them
        away=[Away(since=since, until=until) for since, until in settings.away],
        version=row.settings_version,
        mornings={name: _morning(one) for name, one in _named(known).items()},  # type: ignore[misc]  # the three names
        usual_bathroom_minutes=usual.get("stay"),
        **{name: getattr(settings, name) for name in (*names, *more)},
    )


def _named(known: Mornings) -> dict[str, Usual]:
    named = {"any": known.any, "weekday": known.weekday, "weekend": known.weekend}
    return {name: one for name, one in named.items() if one is not None}


def _morning(one: Usual) -> UsualMorning:
    return UsualMorning(
        usually_by=clock_face(one.middle),
        latest=clock_face(one.latest),
        looked_at_from=clock_face(one.until),
        days=one.days,
    )


async def incidents(
    connection: AsyncConnection, actor: Actor, subject: HomeSubject, page: PageRequest, state: str | None
) -> Page[IncidentPublic]:
    """Return what a home noticed, the latest first."""
    statement = _SHOWN.order_by(INCIDENTS.c.id.desc()).limit(page.limit + 1)
    if state is not None:
        statement = statement.where(INCIDENTS.c.state == state)
    if page.cursor is not None:
        (before,) = decode_cursor(_CURSOR, page.cursor)
        statement = statement.where(INCIDENTS.c.id < uuid.UUID(before))
    rows = (await connection.execute(statement, {"of_home": subject.id})).all()
    await trace_read(connection, actor, subject.subject, "home_incidents:list", subject.id)
    items = [IncidentPublic(**row._mapping) for row in rows[: page.limit]]  # noqa: SLF001 - SQLAlchemy's own way
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))
