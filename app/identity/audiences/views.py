"""The SQL that finds the people of an audience, in the order of their accounts' ids and a batch at a time."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from app.core import clock
from app.core.tables import table_of
from app.identity.audiences.schemas import (
    BuildingCriterion,
    Criterion,
    EverybodyCriterion,
    RadiusCriterion,
    RoleCriterion,
    TagCriterion,
)
from app.identity.models import Account, Household, Membership, Organization, Resident, ServiceAgreement

EARTH_RADIUS: Final = 6_371_008.8  # metres, the mean radius of IUGG's GRS 80
BEFORE_ALL: Final = uuid.UUID(int=0)
AFTER_ALL: Final = uuid.UUID(int=(1 << 128) - 1)

_accounts = table_of(Account)
_residents = table_of(Resident)
_households = table_of(Household)
_memberships = table_of(Membership)
_organizations = table_of(Organization)
_agreements = table_of(ServiceAgreement)

_community = sa.bindparam("audience_community", type_=sa.Uuid)
_now = sa.bindparam("audience_now", type_=sa.DateTime(timezone=True))
_size = sa.bindparam("audience_size", type_=sa.Integer)
_here = sa.and_(
    _accounts.c.community_id == _community,
    _accounts.c.state == sa.literal_column("'active'"),
    _accounts.c.id > sa.bindparam("audience_after", type_=sa.Uuid),
    _accounts.c.id <= sa.bindparam("audience_up_to", type_=sa.Uuid),
)
_lives_here = sa.and_(_residents.c.account_id == _accounts.c.id, _residents.c.state == sa.literal_column("'active'"))
_has_left = sa.exists(
    sa.select(_residents.c.id).where(
        _residents.c.account_id == _accounts.c.id, _residents.c.state != sa.literal_column("'active'")
    )
)
_is_served = sa.exists(
    sa.select(_agreements.c.id)
    .join(
        _residents,
        sa.or_(
            _agreements.c.resident_id == _residents.c.id,
            sa.and_(_agreements.c.resident_id.is_(None), _agreements.c.community_id == _residents.c.community_id),
        ),
    )
    .where(
        _lives_here,
        _agreements.c.organization_id == sa.bindparam("audience_organization", type_=sa.Uuid),
        _agreements.c.starts_at <= _now,
        sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
    )
)


@dataclass(frozen=True, slots=True)
class Audience:
    """A select of ``account_id``, in the order of ids, and the values of its binds.

    Among them are ``audience_after`` and ``audience_up_to``, between which ids are looked for, and ``audience_size``,
    how many rows there are at most: as they are here, they leave nobody out.
    """

    select: sa.Select[uuid.UUID]
    binds: dict[str, Any]


def audience(community_id: uuid.UUID, criteria: Sequence[Criterion], served_by: uuid.UUID | None = None) -> Audience:
    """Return who in a community meets any of ``criteria``, each person once.

    Nobody whose account is closed; no resident who died or moved out, whatever else they are. With ``served_by`` only
    residents whom that organization serves under an agreement in force.
    """
    binds: dict[str, Any] = {
        "audience_community": community_id,
        "audience_after": BEFORE_ALL,
        "audience_up_to": AFTER_ALL,
        "audience_size": None,
        "audience_now": clock.now(),
    }
    served = () if served_by is None else (_is_served,)
    if served_by is not None:
        binds["audience_organization"] = served_by
    branches = []
    for number, criterion in enumerate(criteria):
        condition, values = _condition(criterion, f"audience_{number}")
        binds |= values
        # Each criterion is planned for itself and walks no further than the batch needs.
        branches.append(
            sa.select(_accounts.c.id.label("account_id"))
            .where(_here, condition, *served)
            .order_by(_accounts.c.id)
            .limit(_size)
        )
    if len(branches) == 1:
        return Audience(branches[0], binds)
    parts = (sa.select(branch.subquery(f"part_{number}")) for number, branch in enumerate(branches))
    together = sa.union(*parts).subquery("together")
    return Audience(sa.select(together.c.account_id).order_by(together.c.account_id).limit(_size), binds)


def _condition(criterion: Criterion, prefix: str) -> tuple[sa.ColumnElement[bool], dict[str, Any]]:
    """Return what makes an account meet a criterion, and the values of its binds, which begin with ``prefix``."""
    match criterion:
        case EverybodyCriterion():
            return sa.not_(_has_left), {}
        case RoleCriterion(role="resident"):
            return _resident(), {}
        case RoleCriterion(role=role):
            return sa.and_(_works(prefix), sa.not_(_has_left)), {f"{prefix}_role": role}
        case TagCriterion(tag=tag):
            return _resident(
                _residents.c.tags.contains(sa.bindparam(f"{prefix}_tags", type_=_residents.c.tags.type))
            ), {f"{prefix}_tags": [tag]}
        case BuildingCriterion(building=building):
            there = _households.c.building == sa.bindparam(f"{prefix}_building", type_=sa.Text)
            return _in_home(there), {f"{prefix}_building": building}
        case RadiusCriterion(latitude=latitude, longitude=longitude, metres=metres):
            return _in_home(_within(prefix)), {
                f"{prefix}_latitude": latitude,
                f"{prefix}_longitude": longitude,
                f"{prefix}_metres": metres,
            }


def _resident(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists(sa.select(_residents.c.id).where(_lives_here, *conditions))


def _in_home(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    home = _residents.join(_households, _households.c.id == _residents.c.household_id)
    return sa.exists(sa.select(_residents.c.id).select_from(home).where(_lives_here, condition))


def _works(prefix: str) -> sa.ColumnElement[bool]:
    at = _memberships.join(_organizations, _organizations.c.id == _memberships.c.organization_id)
    return sa.exists(
        sa.select(_memberships.c.id)
        .select_from(at)
        .where(
            _memberships.c.account_id == _accounts.c.id,
            _memberships.c.ended_at.is_(None),
            _memberships.c.role == sa.bindparam(f"{prefix}_role", type_=sa.Text),
            _organizations.c.community_id == _community,
        )
    )


def _within(prefix: str) -> sa.ColumnElement[bool]:
    """Return the condition that a home lies within the bound distance: the haversine formula on a sphere."""
    latitude = sa.bindparam(f"{prefix}_latitude", type_=sa.Float)
    longitude = sa.bindparam(f"{prefix}_longitude", type_=sa.Float)
    metres = sa.bindparam(f"{prefix}_metres", type_=sa.Float)
    degrees = metres / sa.literal_column("111000.0")  # a degree of latitude is a little longer
    north = sa.func.sin(sa.func.radians(_households.c.latitude - latitude) / 2)
    east = sa.func.sin(sa.func.radians(_households.c.longitude - longitude) / 2)
    chord = north * north + (
        sa.func.cos(sa.func.radians(latitude)) * sa.func.cos(sa.func.radians(_households.c.latitude)) * east * east
    )
    angle = 2 * sa.func.asin(sa.func.sqrt(sa.func.least(chord, sa.literal_column("1.0"))))
    return sa.and_(
        _households.c.latitude.between(latitude - degrees, latitude + degrees),
        angle * EARTH_RADIUS <= metres,
    )
