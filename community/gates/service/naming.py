"""Whom a scan names: a ticket by its code, a card by its number or its digest, or nobody we know.

Signatures take a tenth of a millisecond each, and the numbers of cards are unsealed to be compared with digests: both
happens before a unit of work is opened, and away from the event loop.
"""

import asyncio
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.database import reading
from community.citizen_cards.rules import card_digest
from community.citizen_cards.views import cards_by_digest
from community.gates.access import AtAttraction
from community.gates.rules import OLDEST, Reason
from community.gates.schemas import GateRulesPublic, ScanGiven
from community.gates.views.bundles import known_cards
from community.gates.views.gates import rules_of
from community.gates.views.known import residents_with_tickets
from community.ticket_codes import rules as codes
from community.ticket_codes.views import public_keys

_MOST_A_TURN: Final = 200
"""Signatures that are verified before others get a turn."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A good card that was held before a scanner."""

    id: uuid.UUID
    resident_id: uuid.UUID
    entitlements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What a scan names; without ticket and card, ``reason`` says why it names nothing."""

    ticket_id: uuid.UUID | None = None
    revision: int | None = None
    card: ShownCard | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What each scan names, by its nonce, and what opens the attraction's gates beside tickets."""

    of: Mapping[uuid.UUID, Named]
    terms: GateRulesPublic


async def name_all(at: AtAttraction, scans: Sequence[ScanGiven], now: datetime) -> Names:
    """Return what scans at a gate name."""
    texts = {scan.text for scan in scans if scan.text is not None}
    async with reading() as connection:
        # Of keys that signed tickets of then: their last one may be over by now.
        keys = codes.loaded(await public_keys(connection, at.community_id, now - OLDEST))
        terms = await rules_of(connection, at.attraction_id)
        by_number = await _by_number(connection, at, scans, now)
        by_digest = await _by_digest(connection, at, scans, terms, now)
    by_text: dict[str, Named] = {}
    waiting = list(texts)
    for place in range(0, len(waiting), _MOST_A_TURN):
        by_text |= await asyncio.to_thread(_read, waiting[place : place + _MOST_A_TURN], keys)

    def named(scan: ScanGiven) -> Named:
        if scan.text is not None:
            return by_text[scan.text]
        if scan.ticket_id is not None:
            return Named(ticket_id=scan.ticket_id)
        card = by_digest.get(scan.card_digest or "") if scan.card is None else by_number.get(_number_of(at, scan))
        return Named(reason="unknown_card") if card is None else Named(card=card)

    return Names({scan.nonce: named(scan) for scan in scans}, terms)


def _read(texts: Collection[str], keys: codes.Keys) -> dict[str, Named]:
    found = {}
    for text in texts:
        try:
            payload = codes.verify(text, keys)
        except codes.CodeRefused as refused:
            found[text] = Named(reason=refused.reason)
        else:
            found[text] = Named(ticket_id=payload.ticket_id, revision=payload.revision)
    return found


def _number_of(at: AtAttraction, scan: ScanGiven) -> bytes:
    assert scan.card is not None  # noqa: S101 - asked of those with a card alone
    return card_digest(at.community_id, scan.card.scheme, scan.card.number)


async def _by_number(
    connection: AsyncConnection, at: AtAttraction, scans: Sequence[ScanGiven], now: datetime
) -> dict[bytes, ShownCard]:
    digests = {_number_of(at, scan) for scan in scans if scan.card is not None}
    if not digests:
        return {}
    found = await cards_by_digest(connection, at.community_id, list(digests), now)
    return {digest: ShownCard(card.id, card.resident_id, card.entitlements) for digest, card in found.items()}


async def _by_digest(
    connection: AsyncConnection, at: AtAttraction, scans: Sequence[ScanGiven], terms: GateRulesPublic, now: datetime
) -> dict[str, ShownCard]:
    if all(scan.card_digest is None for scan in scans):
        return {}
    residents = await residents_with_tickets(connection, at.attraction_id, now - OLDEST)
    cards = await known_cards(connection, at.id, at.community_id, terms, residents, now)
    return {card.digest: ShownCard(card.id, card.resident_id, card.entitlements) for card in cards}
