"""The ways to reach a person: how they are added, changed and removed."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.events import emit
from app.core.problems import NotFound
from app.core.routing import check_version
from app.identity.events import ContactPointsChanged
from app.identity.models import Account, Community, ContactPoint
from app.identity.people import rules
from app.identity.people.access import PersonSubject, require_may_let_in
from app.identity.people.problems import ContactPointExists, LastContactPoint, TooManyContactPoints, checked
from app.identity.people.repository import lock_account, new_contact_point, points_of, set_value
from app.identity.people.schemas import ContactPointAdd, ContactPointChange

MAX_CONTACT_POINTS = 10
Change = Literal["added", "changed", "removed"]
_ACTIONS: Final[Mapping[Change, str]] = {
    "added": "contact_point:add",
    "changed": "contact_point:change",
    "removed": "contact_point:remove",
}


async def add_contact_point(session: AsyncSession, subject: PersonSubject, data: ContactPointAdd) -> ContactPoint:
    """Add a way to reach a person, unverified, and return it.

    Raises ``Malformed``, ``ContactPointExists``, ``TooManyContactPoints``, ``Forbidden`` for staff's by somebody else
    and for who acts for a resident.
    """
    account = await lock_account(session, subject.account_id)
    await require_may_let_in(session, subject.actor, subject.relation, account.id)
    if len(await points_of(session, account.id)) >= MAX_CONTACT_POINTS:
        raise TooManyContactPoints(f"a person has at most {MAX_CONTACT_POINTS}")
    point = build_contact_point(account.id, data, await country_of(session, account))
    point.is_vouched = subject.relation == "staff"
    session.add(point)
    await _flush(session)
    await _record(session, subject, "added", account, point.id)
    return point


async def change_contact_point(
    session: AsyncSession,
    subject: PersonSubject,
    point_id: uuid.UUID,
    change: ContactPointChange,
    if_match: int | None,
) -> ContactPoint:
    """Change a way to reach a person and return it; another value has to be verified anew.

    Raises ``NotFound``, ``StaleVersion``, ``Malformed``, ``ContactPointExists``, ``Forbidden`` as for adding one.
    """
    account = await lock_account(session, subject.account_id)
    point = _one(await points_of(session, account.id), point_id)
    check_version(point, if_match)
    given = change.model_fields_set
    if "value" in given:
        await require_may_let_in(session, subject.actor, subject.relation, account.id)
        value = contact_value(point.kind, change.value, await country_of(session, account))
        set_value(point, value, is_vouched=subject.relation == "staff")
    if "capabilities" in given:
        point.capabilities = checked_capabilities(point.kind, change.capabilities)
    for field in given & {"usable_from", "usable_until", "position"}:
        setattr(point, field, getattr(change, field))
    await _flush(session)
    await _record(session, subject, "changed", account, point.id)
    return point


async def remove_contact_point(
    session: AsyncSession, subject: PersonSubject, point_id: uuid.UUID, if_match: int | None
) -> None:
    """Remove a way to reach a person; raises ``NotFound``, ``StaleVersion``, ``LastContactPoint``."""
    account = await lock_account(session, subject.account_id)
    points = await points_of(session, account.id)
    point = _one(points, point_id)
    check_version(point, if_match)
    if len(points) == 1:
        raise LastContactPoint
    await session.delete(point)
    await session.flush()
    await _record(session, subject, "removed", account, point_id)


def build_contact_point(
    account_id: uuid.UUID, data: ContactPointAdd, country: str, *, at: str = "", position: int | None = None
) -> ContactPoint:
    """Return the contact point ``data`` describes; ``at`` is where it stands in the body, for ``Malformed``."""
    value = contact_value(data.kind, data.value, country, f"{at}value")
    capabilities = sorted(rules.CAPABILITIES[data.kind]) if data.capabilities is None else data.capabilities
    point = new_contact_point(
        account_id,
        data.kind,
        value,
        checked_capabilities(data.kind, capabilities, f"{at}capabilities"),
        position=data.position if position is None else position,
    )
    point.usable_from, point.usable_until = data.usable_from, data.usable_until
    return point


def contact_value(kind: str, value: str, country: str, field: str = "value") -> str:
    """Return ``value`` as a contact point of ``kind`` stores it; raises ``Malformed`` pointing to ``field``."""
    return checked(field, value, lambda text: rules.normalize_contact(kind, text, country))


def checked_capabilities(kind: str, capabilities: Sequence[str], field: str = "capabilities") -> list[str]:
    """Return the capabilities sorted; raises ``Malformed`` for what a contact point of ``kind`` cannot do."""
    return checked(field, capabilities, lambda given: rules.check_capabilities(kind, given))


async def country_of(session: AsyncSession, account: Account) -> str:
    """Return the country as whose the account's numbers without a country code are read."""
    return (await session.get_one(Community, account.community_id)).country


def _one(points: Sequence[ContactPoint], point_id: uuid.UUID) -> ContactPoint:
    for point in points:
        if point.id == point_id:
            return point
    raise NotFound


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_identity_contact_point" in str(error.orig):
            raise ContactPointExists from None
        raise


async def _record(
    session: AsyncSession, subject: PersonSubject, change: Change, account: Account, point_id: uuid.UUID
) -> None:
    actor, action = subject.actor, _ACTIONS[change]
    await audit.record(session, actor, action=action, resident_id=subject.resident_id, object_id=point_id)
    fact = ContactPointsChanged(
        aggregate_id=account.id, community_id=account.community_id, changed_by=actor.id, change=change
    )
    await emit(session, fact)
