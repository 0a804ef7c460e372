"""The SQL that reads what is offered to whom: visit types, who makes them, and what they need; and their schedules."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from app.identity.api import is_active_account
from telemedicine.clinics.models import BOOKABLE_RESOURCES, CLINICS, LOCATIONS, PRACTITIONERS, VISIT_TYPES
from telemedicine.clinics.rules import LONGEST_HORIZON, Mode, Schedule, Sex, speaks
from telemedicine.clinics.views.schedules import Owner, holidays, owners, schedules

_IDS: Final = ARRAY(sa.Uuid)
_p, _v = PRACTITIONERS, VISIT_TYPES


def _if_given(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=column.type)
    return sa.or_(wanted.is_(None), column == wanted)


_organization_ids = sa.bindparam("organization_ids", type_=_IDS)
_TYPES = HotStatement(
    sa.select(_v)
    .where(
        _v.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _v.c.is_active,
        _if_given(_v.c.id, "visit_type_id"),
        _if_given(_v.c.mode, "mode"),
        sa.or_(_v.c.bookable_by != "clinic", _v.c.organization_id == sa.any_(sa.bindparam("works_for", type_=_IDS))),
    )
    .order_by(_v.c.id)
)
_WHO: Final = (
    sa.select(
        _p,
        sa.func.coalesce(_p.c.time_zone, CLINICS.c.time_zone).label("wall"),
        CLINICS.c.time_zone.label("clinic_zone"),
        sa.case((sa.func.coalesce(_p.c.owns_diary, CLINICS.c.owns_diary), CLINICS.c.answer_within)).label(
            "answer_within"
        ),
    )
    .join(CLINICS, CLINICS.c.organization_id == _p.c.organization_id)
    .where(
        _p.c.organization_id == sa.any_(_organization_ids),
        _p.c.is_active,
        _p.c.licence_ends_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        sa.or_(_p.c.account_id.is_(None), is_active_account(_p.c.account_id)),
        _if_given(_p.c.sex, "sex"),
        sa.or_(
            sa.bindparam("specialty", type_=sa.Text).is_(None),
            sa.bindparam("specialty", type_=sa.Text) == sa.any_(_p.c.specialties),
        ),
    )
    .order_by(_p.c.id)
)
_PRACTITIONERS = HotStatement(_WHO)
# Somebody who may be named or not would be planned anew in every booking.
_PRACTITIONER = HotStatement(_WHO.where(_p.c.id == sa.bindparam("practitioner_id", type_=sa.Uuid)))
_RESOURCES = HotStatement(
    sa.select(BOOKABLE_RESOURCES)
    .where(
        BOOKABLE_RESOURCES.c.organization_id == sa.any_(_organization_ids),
        BOOKABLE_RESOURCES.c.kind == sa.any_(sa.bindparam("kinds", type_=ARRAY(sa.Text))),
        BOOKABLE_RESOURCES.c.is_active,
    )
    .order_by(BOOKABLE_RESOURCES.c.id)
)
_LOCATIONS = HotStatement(sa.select(LOCATIONS).where(LOCATIONS.c.organization_id == sa.any_(_organization_ids)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotQuery:
    """What somebody looks for. ``near`` is a latitude and longitude, ``within`` the metres from there.

    ``pairs`` are practitioners each with a visit type, ``organization_ids`` clinics (default: whoever there is).

    ``works_for`` are the organizations whose own staff asks: they also book what only the clinic may, and at times
    that are too near or too far for others. ``given_up`` are reservations that are given back for what is looked for,
    and so in nobody's way; ``moved_from``, when and with whom that was, is not what is looked for.
    """

    community_id: uuid.UUID
    works_for: Sequence[uuid.UUID] = ()
    visit_type_id: uuid.UUID | None = None
    practitioner_id: uuid.UUID | None = None
    specialty: str | None = None
    language: str | None = None
    sex: Sex | None = None
    mode: Mode | None = None
    near: tuple[float, float] | None = None
    within: float = 0
    pairs: frozenset[tuple[uuid.UUID, uuid.UUID]] | None = None
    organization_ids: frozenset[uuid.UUID] | None = None
    given_up: frozenset[uuid.UUID] = frozenset()
    moved_from: tuple[datetime, uuid.UUID] | None = None


@dataclass(frozen=True, slots=True)
class Offers:
    """Everything that decides which slots there are, but for what is taken."""

    query: SlotQuery
    now: datetime
    pairs: Sequence[tuple[Any, Any]]
    """Each practitioner with each visit type they make."""
    resources: Mapping[uuid.UUID, Sequence[Any]]
    """Rooms and interpreters by organization."""
    locations: Mapping[uuid.UUID, Any]
    schedules: Mapping[uuid.UUID, Schedule]
    holidays: frozenset[date]
    places: frozenset[uuid.UUID | None] | None = None
    """Where visits in person are looked for; None: everywhere within reach."""

    def is_staffs(self, visit_type: Any) -> bool:
        """Say whether whoever asks works for the clinic of the visit type."""
        return visit_type.organization_id in self.query.works_for


async def load(connection: AsyncConnection, query: SlotQuery, since: datetime, now: datetime) -> Offers:
    """Return what is offered to somebody who looks for ``query``, with schedules that are good from ``since`` on."""
    binds: dict[str, Any] = {
        "community_id": query.community_id,
        "visit_type_id": query.visit_type_id,
        "mode": query.mode,
        "works_for": list(query.works_for),
    }
    types = await _TYPES.rows(connection, binds)
    organization_ids = list({row.organization_id for row in types})
    binds = {
        "organization_ids": organization_ids,
        "now": now,
        "practitioner_id": query.practitioner_id,
        "sex": query.sex,
        "specialty": query.specialty,
    }
    who = _PRACTITIONERS if query.practitioner_id is None else _PRACTITIONER
    people = await who.rows(connection, binds) if types else []
    pairs = [(person, of_type) for person in people for of_type in types if _makes(person, of_type, query)]
    at = {"organization_ids": list({person.organization_id for person, _ in pairs})}
    kinds = sorted({kind for _, of_type in pairs for kind in of_type.needs})
    things = await _RESOURCES.rows(connection, at | {"kinds": kinds}) if kinds else []
    places = await _LOCATIONS.rows(connection, at) if any(of.mode == "in_person" for _, of in pairs) else []
    wanted = [_owner(person) for person in {person.id: person for person, _ in pairs}.values()]
    wanted += await owners(connection, [thing.id for thing in things]) if things else []
    return Offers(
        query=query,
        now=now,
        pairs=pairs,
        resources={one: [thing for thing in things if thing.organization_id == one] for one in at["organization_ids"]},
        locations={place.id: place for place in places},
        schedules=await schedules(connection, wanted, since),
        holidays=await holidays(connection, query.community_id, since, max(since, now) + LONGEST_HORIZON),
    )


def _owner(person: Any) -> Owner:
    return Owner(
        id=person.id,
        kind="practitioner",
        community_id=person.community_id,
        organization_id=person.organization_id,
        calendar_id=person.calendar_id,
        time_zone=person.wall,
        clinic_zone=person.clinic_zone,
        is_there=True,
        until=person.licence_ends_at,
        version=person.version,
    )


def _makes(person: Any, of_type: Any, query: SlotQuery) -> bool:
    """Say whether a practitioner makes visits of a type, in a language that is understood."""
    if person.organization_id != of_type.organization_id or not _is_meant(person, of_type, query):
        return False
    if of_type.specialty is not None and of_type.specialty not in person.specialties:
        return False
    is_understood = query.language is None or speaks(person.languages, query.language)
    return is_understood or "interpreter" in of_type.needs


def _is_meant(person: Any, of_type: Any, query: SlotQuery) -> bool:
    in_clinic = query.organization_ids is None or person.organization_id in query.organization_ids
    return in_clinic and (query.pairs is None or (person.id, of_type.id) in query.pairs)
