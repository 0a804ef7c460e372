"""Those whom somebody looks after, and what of each they may see: SQL that an overview of many starts from."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.access import Actor
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.models import Account, ContactPoint, Grant, Household, Resident, ServiceAgreement
from app.identity.people.rules import NO_CALLS
from app.identity.people.seals import CONTACT_VALUE
from app.identity.visibility import ANY_SCOPE, account_bind, current_agreements, current_grants, organizations_bind

_residents = table_of(Resident)
_accounts = table_of(Account)
_households = table_of(Household)
_points = table_of(ContactPoint)
_grants = table_of(Grant)
_agreements = table_of(ServiceAgreement)

Kind = Literal["relative", "staff", "desk"]
"""Who looks after a few by consent, who after those an agency serves, who after everybody."""
BIND_SCOPE: Final = ANY_SCOPE
"""What ``actor_binds`` needs beside the scopes."""


def may(scope: str) -> str:
    """Return the name of the column that says whether the actor has ``scope`` on the resident."""
    return f"may_{scope.replace(':', '_')}"


def kind_of(actor: Actor) -> Kind:
    """Return which of the statements is planned for the likes of the actor; each of them is right for everybody."""
    if any(held.organization_kind == "operator" for held in actor.memberships):
        return "desk"
    return "staff" if actor.memberships else "relative"


def cared_for(kind: Kind, *scopes: str) -> sa.CTE:
    """Return SQL for the residents who live here on whom the bound actor has any of ``scopes``; oneself is not among
    them.

    A row each: ``resident_id``, ``account_id``, ``name``, ``birth_date``, ``household_id``, ``time_zone``,
    ``is_called`` (unless they cannot hear a call or want none), and a boolean for each scope (``may(scope)``). What is
    agreed is read once for all scopes. Execute with ``actor_binds(actor, ANY_SCOPE, *scopes)``, ``community_id`` and
    ``own_resident``.
    """
    agreed = _agreed(scopes).cte("agreed")
    rights = _of_each(agreed, scopes, kind) if kind != "desk" else _of_everybody(agreed, scopes)
    return (
        sa.select(
            rights,
            _residents.c.account_id,
            _residents.c.household_id,
            _residents.c.birth_date,
            sa.not_(_residents.c.accessibility_needs.overlap(sa.literal(sorted(NO_CALLS), ARRAY(sa.Text)))).label(
                "is_called"
            ),
            _accounts.c.name,
            _accounts.c.time_zone,
        )
        .join(_residents, _residents.c.id == rights.c.resident_id)
        .join(_accounts, _accounts.c.id == _residents.c.account_id)
        .where(
            _residents.c.state == "active",
            _residents.c.id.is_distinct_from(sa.bindparam("own_resident", type_=sa.Uuid)),
            sa.or_(*(rights.c[may(scope)] for scope in scopes)),
        )
        .cte("cared_for")
    )


def _granted(scopes: Sequence[str]) -> sa.Select[Any]:
    held = (
        sa.and_(
            _grants.c.grantee_account_id.is_not_distinct_from(account_bind(scope)),
            sa.literal(scope, sa.Text) == sa.any_(_grants.c.scopes),
        ).label(may(scope))
        for scope in scopes
    )
    return sa.select(_grants.c.resident_id, *held).where(current_grants(None))


def _agreed(scopes: Sequence[str]) -> sa.Select[Any]:
    held = (
        sa.and_(
            _agreements.c.organization_id == sa.any_(organizations_bind(scope)),
            sa.literal(scope, sa.Text) == sa.any_(_agreements.c.scopes),
        ).label(may(scope))
        for scope in scopes
    )
    return sa.select(_agreements.c.community_id, _agreements.c.resident_id, *held).where(current_agreements(None))


def _together(rights: sa.FromClause, scopes: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    return [sa.func.bool_or(rights.c[may(scope)]).label(may(scope)) for scope in scopes]


def _of_each(agreed: sa.CTE, scopes: Sequence[str], kind: Kind) -> sa.Subquery:
    """Return the rights over each who is named, or lives where everybody is: from what is agreed to the few."""
    parts = [_granted(scopes)]
    if kind == "staff":
        flags = [agreed.c[may(scope)] for scope in scopes]
        parts.append(sa.select(agreed.c.resident_id, *flags).where(agreed.c.resident_id.is_not(None)))
        everyone = _residents.alias("everyone")
        parts.append(
            sa.select(everyone.c.id, *flags)
            .join(agreed, agreed.c.community_id == everyone.c.community_id)
            .where(agreed.c.resident_id.is_(None), everyone.c.state == "active")
        )
    held = sa.union_all(*parts).subquery("held")
    return sa.select(held.c.resident_id, *_together(held, scopes)).group_by(held.c.resident_id).subquery("rights")


def _of_everybody(agreed: sa.CTE, scopes: Sequence[str]) -> sa.Subquery:
    """Return the rights over everybody in the community: the planner then knows that they are thousands."""
    here = sa.bindparam("community_id", type_=sa.Uuid)
    all_of_them = (
        sa.select(*_together(agreed, scopes))
        .where(agreed.c.resident_id.is_(None), agreed.c.community_id == here)
        .subquery("all_of_them")
    )
    flags = [agreed.c[may(scope)] for scope in scopes]
    one_by_one = sa.select(agreed.c.resident_id, *flags).where(agreed.c.resident_id.is_not(None))
    held = sa.union_all(_granted(scopes), one_by_one).subquery("held")
    some = sa.select(held.c.resident_id, *_together(held, scopes)).group_by(held.c.resident_id).subquery("some")
    everyone = _residents.alias("everyone")
    return (
        sa.select(
            everyone.c.id.label("resident_id"),
            *(
                sa.func.coalesce(sa.or_(all_of_them.c[may(scope)], some.c[may(scope)]), sa.false()).label(may(scope))
                for scope in scopes
            ),
        )
        .select_from(everyone.join(all_of_them, sa.true()).outerjoin(some, some.c.resident_id == everyone.c.id))
        .where(everyone.c.community_id == here)
        .subquery("rights")
    )


def building_of(household_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    """Return SQL for the building in which the household of a column lives."""
    return (
        sa.select(_households.c.building)
        .where(_households.c.id == household_id)
        .correlate_except(_households)
        .scalar_subquery()
    )


def number_of(account_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    """Return SQL for the number, sealed, at which an account is called first; ``shown_number`` opens it."""
    return (
        sa.select(_points.c.value)
        .where(_points.c.account_id == account_id, sa.literal("voice", sa.Text) == sa.any_(_points.c.capabilities))
        .order_by(_points.c.kind == "shared_tablet", _points.c.position, _points.c.id)
        .limit(1)
        .correlate_except(_points)
        .scalar_subquery()
    )


def shown_number(sealed: str) -> str:
    """Return the E.164 number ``number_of`` found."""
    return unseal(sealed, CONTACT_VALUE)
