"""Working at the desk: claiming and giving back alarms, handing them over, writing scripts."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.identity.api import operator_staff, people
from eldercare.alarms.models import Alarm
from eldercare.alarms.notices import tell
from eldercare.alarms.problems import AlarmAlreadyAcknowledged, AlarmNotYours
from eldercare.alarms.repository import entry, insert_entries
from eldercare.duty_desk.models import HANDOVER_NOTE_CONTEXT, DeskHandover, DeskScript
from eldercare.duty_desk.notices import ANSWERED, HANDOVER
from eldercare.duty_desk.problems import HandoverOpen, HandoverOver, ScriptChanged
from eldercare.duty_desk.rules import BUILT_IN, HANDOVER_TRANSITIONS
from eldercare.duty_desk.schemas import HandoverOffer, ScriptWrite
from eldercare.response.service import acknowledge, held_by, release, take_from
from eldercare.shifts.rules import SITTING
from notifications.api import Value

_LOCK_SCRIPT = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))


async def claim(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID) -> Alarm:
    """Take an alarm from the queue: of two who do so at once, one gets it and the other learns who has it.

    Raises ``AlarmClosed``, and ``AlarmAlreadyAcknowledged`` with the account and its name.
    """
    try:
        return await acknowledge(session, actor, alarm_id)
    except AlarmAlreadyAcknowledged as refusal:
        holder = uuid.UUID(str(refusal.extensions["acknowledged_by"]))
        known = await people(await session.connection(), [holder])
        refusal.extensions["acknowledged_by_name"] = known[holder].name if holder in known else None
        raise


async def give_back(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID) -> Alarm:
    """Put an alarm back into the queue: the ladder goes on at once. Raises ``AlarmClosed``, ``AlarmNotYours``."""
    alarm = await release(session, actor, alarm_id)
    await _end_offers(session, alarm_id)
    return alarm


async def offer_handover(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, data: HandoverOffer) -> DeskHandover:
    """Ask a colleague to take on an alarm the actor has, and return the offer; it is the actor's until they do.

    Raises ``AlarmClosed``, ``AlarmNotYours``, ``AlarmAlreadyOnScene``, ``HandoverOpen``, and ``Malformed`` for whoever
    does not work at the desk.
    """
    alarm = await held_by(session, alarm_id, actor.id)
    colleagues = await operator_staff(await session.connection(), alarm.community_id, *SITTING)
    if data.account_id == actor.id or data.account_id not in colleagues:
        raise Malformed(errors=[FieldError("/body/account_id", "no colleague at the desk", "not_at_the_desk")])
    assert alarm.acknowledged_at is not None  # noqa: S101 - somebody has it
    standing = await _open_offer(session, alarm_id)
    if standing is not None:
        if (standing.giver_id, standing.claimed_at) == (actor.id, alarm.acknowledged_at):
            raise HandoverOpen(taker_id=str(standing.taker_id))
        # What was offered of an earlier claim went with it.
        _move(standing, "withdraw")
        await session.flush()
    offer = DeskHandover(
        community_id=alarm.community_id,
        resident_id=alarm.resident_id,
        alarm_id=alarm.id,
        giver_id=actor.id,
        taker_id=data.account_id,
        claimed_at=alarm.acknowledged_at,
        offered_at=clock.now(),
        note=seal(data.note, HANDOVER_NOTE_CONTEXT),
    )
    session.add(offer)
    await session.flush()
    await _record(session, actor, alarm, offer, "offered")
    await tell(session, HANDOVER, alarm, [offer.taker_id], f"handover:{offer.id}", variables={"giver": actor.id})
    return offer


async def accept_handover(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, handover_id: uuid.UUID) -> Alarm:
    """Take on the alarm a colleague hands over to the actor; the colleague is told.

    Raises ``NotFound`` for what is offered to others, ``AlarmClosed``, and ``HandoverOver`` where the colleague has
    the alarm no more: it lapsed, or somebody else took it.
    """
    alarm, offer = await _offered(session, alarm_id, handover_id)
    if offer.taker_id != actor.id:
        raise NotFound
    if alarm.acknowledged_at != offer.claimed_at:
        raise HandoverOver
    _move(offer, "accept")
    await _record(session, actor, alarm, offer, "handed_over")
    try:
        taken = await take_from(session, actor, alarm_id, offer.giver_id)
    except AlarmNotYours:
        raise HandoverOver from None
    await _tell_giver(session, taken, offer)
    return taken


async def end_handover(session: AsyncSession, actor: Actor, alarm_id: uuid.UUID, handover_id: uuid.UUID) -> None:
    """Say no to a hand-over, or take one's own back: the alarm stays whose it is.

    Raises ``NotFound`` for those of others, ``AlarmClosed``, ``HandoverOver``.
    """
    alarm, offer = await _offered(session, alarm_id, handover_id)
    if actor.id not in (offer.taker_id, offer.giver_id):
        raise NotFound
    declined = actor.id == offer.taker_id
    _move(offer, "decline" if declined else "withdraw")
    await _record(session, actor, alarm, offer, "handover_declined" if declined else "handover_withdrawn")
    if declined:
        await _tell_giver(session, alarm, offer)


async def write_script(session: AsyncSession, actor: Actor, community_id: uuid.UUID, data: ScriptWrite) -> DeskScript:
    """Write a new version of a script, in force from now on, and return it; those before it are kept.

    Raises ``ScriptChanged`` where another than the writer knows is in force.
    """
    lock = uuid.uuid5(community_id, f"{data.kind}:{data.language}").int & (2**63 - 1)
    await session.execute(_LOCK_SCRIPT, {"lock": lock})
    newest = await session.scalar(
        sa.select(sa.func.max(col(DeskScript.number))).where(
            col(DeskScript.community_id) == community_id,
            col(DeskScript.kind) == data.kind,
            col(DeskScript.language) == data.language,
        )
    )
    number = BUILT_IN if newest is None else newest
    if data.replaces != number:
        raise ScriptChanged(number=number)
    script = DeskScript(
        community_id=community_id,
        kind=data.kind,
        language=data.language,
        number=number + 1,
        asks=list(data.asks),
        does=list(data.does),
        written_by=actor.id,
        written_at=clock.now(),
    )
    session.add(script)
    await session.flush()
    await audit.record(session, actor, "desk_script:write", object_id=script.id, community_id=community_id)
    return script


async def _offered(session: AsyncSession, alarm_id: uuid.UUID, handover_id: uuid.UUID) -> tuple[Alarm, DeskHandover]:
    """Return an alarm and an offer about it, both locked, the alarm first as everywhere; raises ``NotFound``."""
    statement = sa.select(DeskHandover).where(
        col(DeskHandover.id) == handover_id, col(DeskHandover.alarm_id) == alarm_id
    )
    known: DeskHandover | None = await session.scalar(statement)
    if known is None:
        raise NotFound
    try:
        alarm = await held_by(session, alarm_id, known.giver_id)
    except AlarmNotYours:
        raise HandoverOver from None
    locked = await session.scalar(statement.with_for_update().execution_options(populate_existing=True))
    if locked is None:
        raise NotFound
    return alarm, locked


async def _open_offer(session: AsyncSession, alarm_id: uuid.UUID) -> DeskHandover | None:
    offer: DeskHandover | None = await session.scalar(
        sa.select(DeskHandover)
        .where(col(DeskHandover.alarm_id) == alarm_id, col(DeskHandover.state) == "offered")
        .with_for_update()
    )
    return offer


async def _end_offers(session: AsyncSession, alarm_id: uuid.UUID) -> None:
    offer = await _open_offer(session, alarm_id)
    if offer is not None:
        _move(offer, "withdraw")
        await session.flush()


def _move(offer: DeskHandover, action: str) -> None:
    sources, target = HANDOVER_TRANSITIONS[action]
    if offer.state not in sources:
        raise HandoverOver
    offer.state, offer.answered_at = target, clock.now()


async def _tell_giver(session: AsyncSession, alarm: Alarm, offer: DeskHandover) -> None:
    variables: dict[str, Value] = {"taker": offer.taker_id, "state": offer.state}
    await tell(session, ANSWERED, alarm, [offer.giver_id], f"handover:{offer.id}:{offer.state}", variables=variables)


async def _record(session: AsyncSession, actor: Actor, alarm: Alarm, offer: DeskHandover, what: str) -> None:
    await session.flush()
    data = {"handover_id": str(offer.id), "from": str(offer.giver_id), "to": str(offer.taker_id)}
    kind = "handover_offered" if what == "offered" else what
    await insert_entries(session, [entry(alarm, kind, actor.id, data)])
    await audit.record(
        session,
        actor,
        f"alarm:{kind}",
        resident_id=alarm.resident_id,
        object_id=alarm.id,
        community_id=alarm.community_id,
        details=data,
    )
