"""Care circles: asking people in, their answers, the order in which they are called."""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import phonenumbers
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.events import emit
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Problem
from app.core.routing import check_version
from app.core.tables import table_of
from app.identity.api import (
    ResidentSubject,
    actor_of,
    add_grant,
    community,
    create_account,
    find_accounts_by_phone,
    people,
    require_resident,
    revoke_grant,
)
from eldercare.care_circle.models import IN_CIRCLE, CircleMember
from eldercare.care_circle.notices import ANSWER, INVITATION, LEFT
from eldercare.care_circle.problems import (
    AlreadyInCircle,
    CircleChanged,
    CircleFull,
    InvitationAnswered,
    InvitationLapsed,
)
from eldercare.care_circle.rules import MOST_MEMBERS, TRANSITIONS, Step
from eldercare.care_circle.schemas import CircleInvite, CircleMemberChange, OnCallHours
from eldercare.events import CircleMemberAnswered, CircleMemberChanged, CircleMemberInvited, CircleMemberLeft
from notifications.api import Notice, Value, send

_members = table_of(CircleMember)
_IS_IN = col(CircleMember.state).in_(["invited", "accepted"])
_INSERT = (
    insert(CircleMember)
    .on_conflict_do_nothing(index_elements=["resident_id", "account_id"], index_where=IN_CIRCLE)
    .returning(CircleMember)
)
_END_ALL = (
    sa.update(_members)
    .where(_members.c.resident_id == sa.bindparam("of_resident", type_=sa.Uuid), _IS_IN)
    .values(
        state=TRANSITIONS[Step.REMOVE][1],
        ended_at=sa.bindparam("at", type_=sa.DateTime(timezone=True)),
        updated_at=sa.bindparam("at", type_=sa.DateTime(timezone=True)),
        version=_members.c.version + 1,
    )
)


async def invite(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: CircleInvite) -> CircleMember:
    """Ask somebody into the circle by their phone number and return the member, who counts once they accept.

    A person who is not known yet gets an account and signs in with that number. Raises ``Malformed`` for what is no
    number, ``AlreadyInCircle``, ``CircleFull``, and ``Forbidden`` for scopes the actor may not give.
    """
    await _check_giver(session, actor, subject, data.scopes)
    account_id = await _account_at(session, actor, subject, data)
    circle = await _locked_circle(session, subject.resident_id)
    if len(circle) >= MOST_MEMBERS:
        raise CircleFull
    member = CircleMember(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=account_id,
        called=data.name,
        relationship=data.relationship,
        position=max((member.position for member in circle), default=0) + 1,
        has_key=data.has_key,
        time_zone=data.time_zone or subject.time_zone,
        on_call=[hours.model_dump(mode="json") for hours in data.on_call],
        scopes=sorted(data.scopes),
        invited_by=actor.id,
    )
    stored: CircleMember | None = (await session.scalars(_INSERT, member.model_dump())).one_or_none()
    if stored is None:
        raise AlreadyInCircle
    await send(
        session,
        INVITATION,
        [account_id],
        community_id=subject.community_id,
        dedupe_key=f"circle_invitation:{stored.id}",
        variables={"resident": subject.resident_id},
        about=subject.resident_id,
        data={"circle_member_id": str(stored.id)},
    )
    await _record(session, actor, "circle:invite", stored)
    await emit(session, CircleMemberInvited(**_about(stored)))
    return stored


async def answer(session: AsyncSession, actor: Actor, member_id: uuid.UUID, *, accepts: bool) -> CircleMember:
    """Take or refuse an invitation that is addressed to the actor and return the member.

    Taking it gives them what the resident chose. Raises ``NotFound`` for other people's, ``InvitationAnswered``, and
    ``InvitationLapsed`` where whoever asked could not ask them now: an invitation outlives nobody's rights.
    """
    member = await _own(session, actor, member_id)
    _move(member, Step.ACCEPT if accepts else Step.DECLINE)
    member.answered_at = clock.now()
    if accepts:
        await _check_inviter(session, member)
        member.grant_id = await _grant(session, member)
    await session.flush()
    await _tell_resident(session, member, ANSWER, {"member": member.account_id, "answer": member.state})
    await _record(session, actor, "circle:accept" if accepts else "circle:decline", member)
    await emit(session, CircleMemberAnswered(**_about(member), accepted=accepts))
    return member


async def change(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    member_id: uuid.UUID,
    data: CircleMemberChange,
    if_match: int | None,
) -> CircleMember:
    """Change what is known about a member and return them; raises ``NotFound``, ``StaleVersion``."""
    member = await _member(session, subject, member_id)
    check_version(member, if_match)
    for field, value in data.model_dump(mode="json", exclude_unset=True, exclude_none=True).items():
        setattr(member, field, value)
    await session.flush()
    await _record(session, actor, "circle:change", member)
    await emit(session, CircleMemberChanged(**_about(member)))
    return member


async def set_hours(
    session: AsyncSession, actor: Actor, member_id: uuid.UUID, hours: list[OnCallHours], if_match: int | None
) -> CircleMember:
    """Set the actor's own weekly hours in a circle and return the member.

    Raises ``NotFound`` for memberships of others, ``InvitationAnswered`` for one that is not in force,
    ``StaleVersion``.
    """
    member = await _own(session, actor, member_id)
    if member.state != "accepted":
        raise InvitationAnswered
    check_version(member, if_match)
    member.on_call = [window.model_dump(mode="json") for window in hours]
    await session.flush()
    await _record(session, actor, "circle:set_hours", member)
    await emit(session, CircleMemberChanged(**_about(member)))
    return member


async def reorder(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, member_ids: list[uuid.UUID]
) -> list[CircleMember]:
    """Put the circle into this order and return it; raises ``CircleChanged`` unless each member is there once."""
    circle = {member.id: member for member in await _locked_circle(session, subject.resident_id)}
    if sorted(member_ids) != sorted(circle):
        raise CircleChanged
    for position, member_id in enumerate(member_ids, start=1):
        circle[member_id].position = position
    await session.flush()
    details = {"order": [str(member_id) for member_id in member_ids]}
    await audit.record(session, actor, "circle:reorder", resident_id=subject.resident_id, details=details)
    return [circle[member_id] for member_id in member_ids]


async def remove(session: AsyncSession, actor: Actor, subject: ResidentSubject, member_id: uuid.UUID) -> None:
    """Take somebody out of the circle, and with it what they were allowed to see; raises ``NotFound``."""
    await _end(session, actor, await _member(session, subject, member_id))


async def leave(session: AsyncSession, actor: Actor, member_id: uuid.UUID) -> None:
    """Leave a circle; the resident is told if one was in it.

    Raises ``NotFound`` for memberships of others, ``InvitationAnswered`` if it has ended.
    """
    member = await _own(session, actor, member_id)
    was_in = member.state == "accepted"
    await _end(session, actor, member)
    if was_in:
        await _tell_resident(session, member, LEFT, {"member": member.account_id})


async def end_circle(session: AsyncSession, resident_id: uuid.UUID) -> int:
    """End the circle of a resident who died or moved out and return how many members it had."""
    result = await session.execute(_END_ALL, {"of_resident": resident_id, "at": clock.now()})
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


async def _end(session: AsyncSession, actor: Actor, member: CircleMember) -> None:
    _move(member, Step.REMOVE)
    member.ended_at = clock.now()
    if member.grant_id is not None:
        system = system_actor(member.community_id)
        await revoke_grant(session, system, resident_id=member.resident_id, grant_id=member.grant_id)
    await session.flush()
    await _record(session, actor, "circle:remove", member)
    await emit(session, CircleMemberLeft(**_about(member)))


def _move(member: CircleMember, step: Step) -> None:
    sources, target = TRANSITIONS[step]
    if member.state not in sources:
        raise InvitationAnswered
    member.state = target


async def _check_giver(session: AsyncSession, actor: Actor, subject: ResidentSubject, scopes: Iterable[str]) -> None:
    """Let the resident and who manages grants for the community choose freely; others pass on at most what they hold.

    A proxy is among the others. What somebody sees only because an alarm opened it to them is not theirs to pass on.
    """
    connection = await session.connection()
    with suppress(Forbidden):
        giver = await require_resident(connection, actor, subject.resident_id, "grants:manage", lasting=True)
        if giver.relation != "granted":
            return
    for scope in scopes:
        await require_resident(connection, actor, subject.resident_id, scope, lasting=True)


async def _check_inviter(session: AsyncSession, member: CircleMember) -> None:
    connection = await session.connection()
    inviter = await actor_of(connection, member.invited_by)
    if inviter is None:
        raise InvitationLapsed
    try:
        subject = await require_resident(connection, inviter, member.resident_id, "circle:manage", lasting=True)
        await _check_giver(session, inviter, subject, member.scopes)
    except (Forbidden, NotFound):
        raise InvitationLapsed from None


async def _account_at(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: CircleInvite) -> uuid.UUID:
    """Return the account a number reaches: the one there is, or the one of that name, or a new one.

    The inviter is not told who else the number belongs to.
    """
    connection = await session.connection()
    number = _e164(data.phone, (await community(connection, subject.community_id)).country)
    found = [
        account_id
        for account_id in await find_accounts_by_phone(connection, subject.community_id, number)
        if account_id != subject.account_id
    ]
    if len(found) > 1:
        known = await people(connection, found)
        found = [account_id for account_id in found if known[account_id].name.casefold() == data.name.casefold()]
    if len(found) == 1:
        return found[0]
    maker = replace(actor, community_id=subject.community_id)
    account = await create_account(session, maker, name=data.name, phone=number, language=data.language)
    return account.id


def _e164(phone: str, country: str) -> str:
    try:
        parsed = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        raise Malformed(errors=[FieldError("/body/phone", "not a phone number", "phone")])
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


async def _grant(session: AsyncSession, member: CircleMember) -> uuid.UUID | None:
    """Give a member what the resident chose, in the name of who chose it; a grant they have already stands."""
    giver = replace(system_actor(member.community_id), id=member.invited_by)
    try:
        grant = await add_grant(
            session,
            giver,
            resident_id=member.resident_id,
            grantee_account_id=member.account_id,
            scopes=member.scopes,
        )
    except Problem as refusal:
        if refusal.code != "grant_exists":
            raise
        return None
    return grant.id


async def _tell_resident(
    session: AsyncSession, member: CircleMember, notice: Notice, variables: dict[str, Value]
) -> None:
    system = system_actor(member.community_id)
    subject = await require_resident(await session.connection(), system, member.resident_id, "circle:read")
    await send(
        session,
        notice,
        [subject.account_id],
        community_id=member.community_id,
        dedupe_key=f"{notice.key.rpartition('.')[2]}:{member.id}",
        variables=variables,
        data={"circle_member_id": str(member.id)},
    )


async def _locked_circle(session: AsyncSession, resident_id: uuid.UUID) -> list[CircleMember]:
    statement = (
        sa.select(CircleMember)
        .where(col(CircleMember.resident_id) == resident_id, _IS_IN)
        .order_by(col(CircleMember.position), col(CircleMember.id))
        .with_for_update()
    )
    return list(await session.scalars(statement))


async def _member(session: AsyncSession, subject: ResidentSubject, member_id: uuid.UUID) -> CircleMember:
    return await _found(
        session, col(CircleMember.id) == member_id, col(CircleMember.resident_id) == subject.resident_id, _IS_IN
    )


async def _own(session: AsyncSession, actor: Actor, member_id: uuid.UUID) -> CircleMember:
    return await _found(session, col(CircleMember.id) == member_id, col(CircleMember.account_id) == actor.id)


async def _found(session: AsyncSession, *conditions: sa.ColumnElement[bool]) -> CircleMember:
    member: CircleMember | None = await session.scalar(sa.select(CircleMember).where(*conditions).with_for_update())
    if member is None:
        raise NotFound
    return member


def _about(member: CircleMember) -> dict[str, Any]:
    return {
        "aggregate_id": member.id,
        "community_id": member.community_id,
        "resident_id": member.resident_id,
        "account_id": member.account_id,
    }


async def _record(session: AsyncSession, actor: Actor, action: str, member: CircleMember) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=member.resident_id,
        object_id=member.id,
        community_id=member.community_id,
        details={"account_id": str(member.account_id), "scopes": member.scopes},
    )
