"""Kinds of cards, cards and claims over HTTP: linked by residents, verified and decided about by the operator."""

import uuid
from typing import Final

from fastapi import Response

from app.core.access import CurrentActor
from app.core.database import reading
from app.core.paging import Page, PageQuery
from app.core.problems import (
    Forbidden,
    NotFound,
    StaleVersion,
    TooManyRequests,
    Unauthenticated,
    problem_responses,
)
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import Person, ResidenceEnded
from community.citizen_cards import views
from community.citizen_cards.access import Operator, Theirs
from community.citizen_cards.problems import (
    CardExists,
    CardLinkedElsewhere,
    CardNotPending,
    CardSchemeExists,
    CardSchemeUsed,
    ClaimDecided,
)
from community.citizen_cards.schemas import (
    CardClaimDecide,
    CardClaimPublic,
    CardLink,
    CardPublic,
    CardRefuse,
    CardSchemeCreate,
    CardSchemePublic,
    CardSchemeWrite,
    CardToVerify,
    CardVerify,
)
from community.citizen_cards.service import checking, linking, schemes

router = Router(tags=["tourism"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/citizen-cards"


@router.get("/card-schemes", responses=problem_responses(Unauthenticated, Forbidden))
async def list_card_schemes(connection: Reading, actor: Person, page: PageQuery) -> Page[CardSchemePublic]:
    """List the kinds of cards one's community knows; who keeps them also sees what was put aside."""
    return await views.schemes(connection, actor, page)


@router.post("/card-schemes", status_code=201, responses=problem_responses(*_GUARDED, CardSchemeExists))
async def add_card_scheme(
    session: Session, member: Operator, data: CardSchemeCreate, response: Response
) -> CardSchemePublic:
    """Add a kind of card."""
    row = await schemes.add(session, member.actor, data)
    set_etag(response, row.version)
    return views.scheme_public(row)


@router.put("/card-schemes/{scheme_id}", responses=problem_responses(*_GUARDED, CardSchemeUsed, StaleVersion))
async def set_card_scheme(
    scheme_id: uuid.UUID,
    session: Session,
    member: Operator,
    data: CardSchemeWrite,
    if_match: IfMatch,
    response: Response,
) -> CardSchemePublic:
    """Say what a kind of card is from now on, or put it aside: then no more of it are linked."""
    row = await schemes.change(session, member.actor, scheme_id, data, if_match)
    set_etag(response, row.version)
    return views.scheme_public(row)


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_citizen_cards(
    connection: Reading, actor: CurrentActor, subject: Theirs, page: PageQuery
) -> Page[CardPublic]:
    """List the cards of a resident, the latest first, with what they entitle to."""
    return await views.of_resident(connection, actor, subject, page)


@router.post(
    _OF,
    status_code=201,
    responses=problem_responses(*_GUARDED, CardExists, CardLinkedElsewhere, ResidenceEnded, TooManyRequests),
)
@route_options(database=False, idempotency=False)
async def link_citizen_card(actor: CurrentActor, subject: Theirs, data: CardLink) -> CardPublic:
    """Link a card to a resident; the same once more is the same card. Its number is never shown again."""
    card_id = await linking.link(actor, subject, data)
    async with reading() as connection:
        return await views.card(connection, card_id)


@router.delete(f"{_OF}/{{card_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def remove_citizen_card(card_id: uuid.UUID, session: Session, actor: CurrentActor, subject: Theirs) -> None:
    """Remove a card: it entitles to nothing from now on, and its number is forgotten."""
    await linking.remove(session, actor, subject, card_id)


@router.get("/citizen-cards", responses=problem_responses(Unauthenticated, Forbidden))
async def list_citizen_cards_to_verify(connection: Reading, member: Operator, page: PageQuery) -> Page[CardToVerify]:
    """List the cards that wait to be verified, the longest waiting first; it is on record."""
    return await views.to_verify(connection, member.actor, page)


@router.post("/citizen-cards/{card_id}/verification", responses=problem_responses(*_GUARDED, CardNotPending))
async def verify_citizen_card(card_id: uuid.UUID, session: Session, member: Operator, data: CardVerify) -> CardPublic:
    """Say that the card was seen and is the resident's: what it entitles to counts from now on."""
    row = await checking.verify(session, member.actor, card_id, data)
    return await views.card(await session.connection(), row.id)


@router.post("/citizen-cards/{card_id}/refusal", responses=problem_responses(*_GUARDED, CardNotPending))
async def refuse_citizen_card(card_id: uuid.UUID, session: Session, member: Operator, data: CardRefuse) -> CardPublic:
    """Say that the card is not verified, and why; it can be linked again."""
    row = await checking.refuse(session, member.actor, card_id, data)
    return await views.card(await session.connection(), row.id)


@router.get("/citizen-card-claims", responses=problem_responses(Unauthenticated, Forbidden))
async def list_citizen_card_claims(connection: Reading, member: Operator, page: PageQuery) -> Page[CardClaimPublic]:
    """List the cards that two have linked, with both, the longest waiting first; it is on record."""
    return await views.claims(connection, member.actor, page)


@router.post(
    "/citizen-card-claims/{claim_id}/decision", status_code=204, responses=problem_responses(*_GUARDED, ClaimDecided)
)
async def decide_citizen_card_claim(
    claim_id: uuid.UUID, session: Session, member: Operator, data: CardClaimDecide
) -> None:
    """Decide whose a card is: the holder keeps it, who claimed it gets it, or neither has it."""
    await checking.decide(session, member.actor, claim_id, data.outcome)
