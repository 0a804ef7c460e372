"""What the operator's staff does: they hold cards against what was said of them, and decide whose one is."""

import uuid
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal, unseal
from community.citizen_cards import notices, repository, rules
from community.citizen_cards.models import CLAIMED_NUMBER, NUMBER, CardClaim, CitizenCard
from community.citizen_cards.problems import ClaimDecided
from community.citizen_cards.schemas import CardRefuse, CardVerify, Outcome
from community.citizen_cards.service import changing


async def verify(session: AsyncSession, actor: Actor, card_id: uuid.UUID, data: CardVerify) -> CitizenCard:
    """Let a card count that was seen; verified already, it stays so. Raises ``NotFound``, ``CardNotPending``."""
    row = await repository.locked_card(session, actor.community_id, card_id)
    if row.state == "verified":
        return row
    last_day = data.last_day or row.last_day
    until = await changing.end_of(session, row.community_id, last_day)
    if until is not None and until <= clock.now():
        raise Malformed(errors=[FieldError("/body/last_day", "the card is over: it is refused", "over")])
    await changing.verify(session, row, actor.id, last_day)
    await changing.tell(session, notices.VERIFIED, row, row.linked_by)
    await changing.put_on_record(session, actor, "citizen_card:verify", row)
    return row


async def refuse(session: AsyncSession, actor: Actor, card_id: uuid.UUID, data: CardRefuse) -> CitizenCard:
    """Refuse a card that waits; refused already, it stays so. Raises ``NotFound``, ``CardNotPending``."""
    row = await repository.locked_card(session, actor.community_id, card_id)
    if row.state == "refused":
        return row
    await changing.end(session, row, "refuse", data.reason)
    await changing.tell(session, notices.REFUSED, row, row.linked_by)
    await changing.put_on_record(session, actor, "citizen_card:refuse", row)
    return row


async def decide(session: AsyncSession, actor: Actor, claim_id: uuid.UUID, outcome: Outcome) -> CardClaim:
    """Decide whose a card is that two have linked: who does not get it loses it, and both hear of what they lost.

    Raises ``NotFound``, ``ClaimDecided``.
    """
    claim = await repository.locked_claim(session, actor.community_id, claim_id)
    if claim.state != "open" or claim.digest is None or claim.number is None:
        raise ClaimDecided(claim_state=claim.state)
    digest, number, last_day = claim.digest, unseal(claim.number, CLAIMED_NUMBER), claim.last_day
    await changing.close_claim(session, claim, "granted" if outcome == "claimant" else "rejected", actor.id)
    if outcome != "holder":
        holder = await repository.live_card(session, claim.scheme_id, digest)
        if holder is not None:
            await _take(session, actor, holder)
    if outcome == "claimant":
        await _give(session, actor, claim, digest, number, last_day)
    else:
        await changing.tell(session, notices.REJECTED, claim, claim.claimed_by)
    await changing.put_on_record(session, actor, "citizen_card:decide", claim)
    return claim


async def _take(session: AsyncSession, actor: Actor, card: CitizenCard) -> None:
    await changing.end(session, card, "remove", "decided")
    await changing.tell(session, notices.TAKEN, card, card.linked_by)
    await changing.put_on_record(session, actor, "citizen_card:take", card)


async def _give(
    session: AsyncSession, actor: Actor, claim: CardClaim, digest: bytes, number: str, last_day: date | None
) -> None:
    """Link the card to who claimed it, in place of another of its kind that they linked meanwhile."""
    other = await repository.live_of_resident(session, claim.resident_id, claim.scheme_id)
    if other is not None:
        await _take(session, actor, other)
    row = CitizenCard(
        community_id=claim.community_id,
        resident_id=claim.resident_id,
        scheme_id=claim.scheme_id,
        number=seal(number, NUMBER),
        digest=digest,
        linked_by=claim.claimed_by,
        last_day=last_day,
        valid_until=await changing.end_of(session, claim.community_id, last_day),
        verify_by=clock.now() + rules.VERIFY_WITHIN,
    )
    session.add(row)
    await session.flush()
    await changing.verify(session, row, actor.id, last_day)
    await changing.tell(session, notices.VERIFIED, row, row.linked_by)
