"""Linking and removing: by residents and whoever acts for them; who links what another has is heard by the operator."""

import uuid
from datetime import timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import Conflict, FieldError, Malformed, NotFound
from app.core.rate_limits import Rate, limit
from app.core.sealing import seal
from app.core.wall_time import zone
from app.identity.api import ResidenceEnded, ResidentSubject, community
from community.citizen_cards import notices, repository, rules
from community.citizen_cards.access import require_scheme
from community.citizen_cards.models import CLAIMED_NUMBER, NUMBER, CardClaim, CitizenCard
from community.citizen_cards.problems import CardExists, CardLinkedElsewhere
from community.citizen_cards.schemas import CardLink
from community.citizen_cards.service.changing import (
    close_claim,
    end,
    end_of,
    put_on_record,
    tell_operators,
    verify,
)

LINKS_BY_ACTOR: Final = Rate(20, timedelta(days=1))
LINKS_OF_RESIDENT: Final = Rate(6, timedelta(days=1))
"""How many numbers somebody, and somebody for a resident, may try: a number is not found out by trying."""

_TRIES: Final = 3


async def link(actor: Actor, subject: ResidentSubject, data: CardLink) -> uuid.UUID:
    """Link a card, and return its id; the same once more changes nothing.

    Opens its own units of work: what is refused because another has the card is left to the operator all the same.
    Raises ``ResidenceEnded``, ``Malformed``, ``TooManyRequests``, ``CardExists``, ``CardLinkedElsewhere``.
    """
    if subject.state != "active":
        raise ResidenceEnded
    number = rules.normalized(data.number)
    async with reading() as connection:
        scheme = await require_scheme(connection, actor, data.scheme)
        await _check(connection, actor, scheme, number, data)
    await limit("link_citizen_card", str(actor.id), LINKS_BY_ACTOR)
    await limit("link_citizen_card_of", str(subject.resident_id), LINKS_OF_RESIDENT)
    for _ in range(_TRIES):
        async with unit_of_work() as session:
            found = await _link(session, actor, subject, scheme, number, data)
        if isinstance(found, uuid.UUID):
            return found
        if found == "elsewhere":
            raise CardLinkedElsewhere
    raise Conflict


async def _check(connection: AsyncConnection, actor: Actor, scheme: sa.Row[Any], number: str, data: CardLink) -> None:
    """Raise ``Malformed`` for what cannot be a card of the scheme that is good."""
    if not rules.is_of(rules.Shape(scheme.symbols, scheme.shortest, scheme.longest, scheme.check_by), number):
        raise Malformed(errors=[FieldError("/body/number", "not a number of such a card", "not_a_card_number")])
    if data.last_day is None:
        if scheme.needs_last_day:
            raise Malformed(errors=[FieldError("/body/last_day", "such a card says until when it is good", "missing")])
        return
    today = clock.now().astimezone(zone((await community(connection, actor.community_id)).time_zone)).date()
    if data.last_day < today:
        raise Malformed(errors=[FieldError("/body/last_day", "the card is over", "over")])


async def _link(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, scheme: sa.Row[Any], number: str, data: CardLink
) -> uuid.UUID | Literal["elsewhere", "again"]:
    """Return the card, or that another has it; ``again`` if who stood against it is gone by now."""
    digest = rules.card_digest(subject.community_id, scheme.code, number)
    row = CitizenCard(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        scheme_id=scheme.id,
        number=seal(number, NUMBER),
        digest=digest,
        linked_by=actor.id,
        last_day=data.last_day,
        valid_until=await end_of(session, subject.community_id, data.last_day),
        verify_by=clock.now() + rules.VERIFY_WITHIN,
    )
    if not await repository.add(session, row):
        return await _standing(session, actor, row, number)
    kept = await repository.locked_card(session, row.community_id, row.id)
    if (claim := await repository.own_claim(session, row.resident_id, row.scheme_id, digest)) is not None:
        await close_claim(session, claim, "granted", None)
    if scheme.verified_by == "rule":
        await verify(session, kept, None, data.last_day)
    await put_on_record(session, actor, "citizen_card:link", kept)
    return kept.id


async def _standing(
    session: AsyncSession, actor: Actor, wanted: CitizenCard, number: str
) -> uuid.UUID | Literal["elsewhere", "again"]:
    """Return what stands against a card; raises ``CardExists``."""
    own = await repository.live_of_resident(session, wanted.resident_id, wanted.scheme_id)
    if own is not None:
        if own.digest != wanted.digest:
            raise CardExists
        return own.id
    if await repository.live_card(session, wanted.scheme_id, wanted.digest) is None:
        return "again"
    now = clock.now()
    claim = CardClaim(
        community_id=wanted.community_id,
        resident_id=wanted.resident_id,
        scheme_id=wanted.scheme_id,
        number=seal(number, CLAIMED_NUMBER),
        digest=wanted.digest,
        last_day=wanted.last_day,
        claimed_by=actor.id,
        claimed_at=now,
        decide_by=now + rules.DECIDE_WITHIN,
    )
    if await repository.add(session, claim):
        await tell_operators(session, notices.TO_DECIDE, [claim.community_id], str(claim.id))
        await put_on_record(session, actor, "citizen_card:claim", claim)
    return "elsewhere"


async def remove(session: AsyncSession, actor: Actor, subject: ResidentSubject, card_id: uuid.UUID) -> None:
    """Remove a card of a resident's: it entitles to nothing from now on. Removed already, it stays so.

    Raises ``NotFound``.
    """
    row = await repository.locked_card(session, subject.community_id, card_id)
    if row.resident_id != subject.resident_id:
        raise NotFound
    if not rules.may("remove", row.state):
        return
    await end(session, row, "remove", "holder")
    await put_on_record(session, actor, "citizen_card:remove", row)
