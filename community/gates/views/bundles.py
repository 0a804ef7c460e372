"""The SQL that says what a gate takes along to work without a network."""

import asyncio
import base64
import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.sealing import blind_index, unseal
from community.citizen_cards.models import CARDS, NUMBER, SCHEMES
from community.citizen_cards.views import cards_changed
from community.gates.rules import BUNDLE_LASTS
from community.gates.schemas import BundleCard, BundleCards, GateBundle, GateRulesPublic, RevokedTicket
from community.gates.views.gates import rules_of
from community.ticket_codes.rules import attraction_tag
from community.ticket_codes.views import verifying_keys
from community.ticket_orders.models import TICKETS
from community.ticket_orders.views.tickets import TicketAt, tickets_at

_COMPANION: Final = "companion"
_LIVE: Final = ("valid", "admitted")
_BEFORE: Final = timedelta(days=1)
"""How long tickets stay on the list after they are over: nobody learns that theirs was one only because it is late."""
_DIGEST_LENGTH: Final = 16
_INSTANT: Final = sa.DateTime(timezone=True)

# Literal, for the partial index.
_CARDS: Final[sa.Select[Any]] = (
    sa.select(CARDS.c.id, CARDS.c.resident_id, CARDS.c.number, CARDS.c.valid_until, SCHEMES.c.entitlements)
    .join(SCHEMES, SCHEMES.c.id == CARDS.c.scheme_id)
    .where(
        CARDS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        CARDS.c.state == sa.literal_column("'verified'"),
        sa.or_(CARDS.c.valid_until.is_(None), CARDS.c.valid_until > sa.bindparam("at", type_=_INSTANT)),
        sa.or_(
            SCHEMES.c.entitlements.overlap(sa.bindparam("free", type_=ARRAY(sa.Text))),
            CARDS.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        ),
    )
    .order_by(CARDS.c.id)
)
# Every change counts a version up, whichever of two that happen at once is committed first.
_CHANGED: Final = sa.select(sa.func.count(), sa.func.sum(TICKETS.c.version)).where(
    TICKETS.c.attraction_id == sa.bindparam("attraction_id", type_=sa.Uuid),
    TICKETS.c.valid_from > sa.bindparam("first", type_=_INSTANT),
    TICKETS.c.valid_from < sa.bindparam("until", type_=_INSTANT),
)
_LONGEST_SLOT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class GateCard:
    """A good card as gates see it, under the digest one of them knows it by."""

    id: uuid.UUID
    resident_id: uuid.UUID
    digest: str
    entitlements: tuple[str, ...]
    valid_until: datetime | None


def salt_of(gate_id: uuid.UUID) -> bytes:
    """Return what a gate's digests are salted with: of no use at another gate, and known without being kept."""
    return blind_index("community_gate.salt", str(gate_id))[:_DIGEST_LENGTH]


def free_by(entitlements: Collection[str], terms: GateRulesPublic) -> tuple[str, int] | None:
    """Return by which entitlement a card opens without a ticket, and for how many; ``None`` if it does not."""
    found = next((one for one in terms.free_entitlements if one in entitlements), None)
    if found is None:
        return None
    return found, 2 if terms.admits_companion and _COMPANION in entitlements else 1


def hour_of(at: datetime) -> datetime:
    """Return the hour a bundle is issued in: within it two of them are alike unless something has changed."""
    return at.replace(minute=0, second=0, microsecond=0)


async def bundle_version(
    connection: AsyncConnection, gate_id: uuid.UUID, attraction_id: uuid.UUID, community_id: uuid.UUID, at: datetime
) -> str:
    """Return the entity tag of a gate's bundle, without making the bundle."""
    since, until = _window(at)
    binds = {"attraction_id": attraction_id, "first": since - _LONGEST_SLOT, "until": until}
    tickets = (await connection.execute(_CHANGED, binds)).one()
    terms = await rules_of(connection, attraction_id)
    keys = await verifying_keys(connection, community_id, hour_of(at))
    parts = [
        gate_id,
        hour_of(at),
        tuple(tickets),
        await cards_changed(connection, community_id),
        terms.model_dump(),
        [key.model_dump(mode="json") for key in keys],
    ]
    return f'"{hashlib.sha256(orjson.dumps(parts, default=str)).hexdigest()[:32]}"'


async def bundle(
    connection: AsyncConnection, gate_id: uuid.UUID, attraction_id: uuid.UUID, community_id: uuid.UUID, at: datetime
) -> GateBundle:
    """Return what a gate decides by: keys, tickets that open no more, and cards it will know by their digests."""
    issued_at = hour_of(at)
    tickets = await tickets_at(connection, attraction_id, *_window(at))
    terms = await rules_of(connection, attraction_id)
    salt = salt_of(gate_id)
    cards = await known_cards(connection, gate_id, community_id, terms, _by_resident(tickets), at)
    return GateBundle(
        gate_id=gate_id,
        attraction_id=attraction_id,
        attraction_tag=attraction_tag(attraction_id).hex(),
        issued_at=issued_at,
        valid_until=issued_at + BUNDLE_LASTS,
        keys=await verifying_keys(connection, community_id, issued_at),
        revoked=[
            RevokedTicket(ticket_id=one.id, revision=one.revision - (one.state in _LIVE))
            for one in tickets
            if one.state not in _LIVE or one.revision > 1
        ],
        admitted=[one.id for one in tickets if one.state == "admitted"],
        cards=BundleCards(salt=_text(salt), digests=_bundle_cards(cards, terms, tickets)),
    )


async def known_cards(
    connection: AsyncConnection,
    gate_id: uuid.UUID,
    community_id: uuid.UUID,
    terms: GateRulesPublic,
    resident_ids: Collection[uuid.UUID],
    at: datetime,
) -> list[GateCard]:
    """Return the good cards that may open a gate: by what they entitle to, or as the card of who has a ticket."""
    binds = {
        "community_id": community_id,
        "at": at,
        "free": list(terms.free_entitlements),
        "resident_ids": list(resident_ids),
    }
    rows = list(await connection.execute(_CARDS, binds))
    digests = await asyncio.to_thread(_digests, rows, salt_of(gate_id))
    return [
        GateCard(row.id, row.resident_id, digest, tuple(row.entitlements), row.valid_until)
        for row, digest in zip(rows, digests, strict=True)
    ]


def _digests(rows: Sequence[sa.Row[Any]], salt: bytes) -> list[str]:
    """Return each card's digest; thousands of numbers are unsealed for it."""
    return [_text(hashlib.sha256(salt + unseal(row.number, NUMBER).encode()).digest()[:_DIGEST_LENGTH]) for row in rows]


def _bundle_cards(cards: Sequence[GateCard], terms: GateRulesPublic, tickets: Sequence[TicketAt]) -> list[BundleCard]:
    """Return the ways in by each card, first what counts first: its holder's tickets, then what it entitles to."""
    by_resident = _by_resident(tickets)
    found: list[BundleCard] = []
    for card in cards:
        # As scans are judged: first what was bought with it, then what is not used yet.
        theirs = sorted(
            by_resident.get(card.resident_id, ()), key=lambda one: (one.card_id != card.id, one.state != "valid")
        )
        found += [_by_ticket(card, one) for one in theirs]
        if (free := free_by(card.entitlements, terms)) is not None:
            found.append(_by_itself(card, *free))
    return found


def _by_ticket(card: GateCard, ticket: TicketAt) -> BundleCard:
    return BundleCard(
        digest=card.digest,
        entitlement=None,
        persons=ticket.persons,
        ticket_id=ticket.id,
        valid_from=ticket.valid_from,
        valid_until=ticket.valid_until,
        may_return=ticket.reentry == "same_day",
    )


def _by_itself(card: GateCard, entitlement: str, persons: int) -> BundleCard:
    return BundleCard(
        digest=card.digest,
        entitlement=entitlement,
        persons=persons,
        ticket_id=None,
        valid_from=None,
        valid_until=card.valid_until,
        may_return=True,
    )


def _by_resident(tickets: Sequence[TicketAt]) -> dict[uuid.UUID, list[TicketAt]]:
    """Return the tickets of each resident that still open, the earliest first."""
    found: dict[uuid.UUID, list[TicketAt]] = {}
    for one in tickets:
        if one.resident_id is not None and one.state in _LIVE:
            found.setdefault(one.resident_id, []).append(one)
    return found


def _window(at: datetime) -> tuple[datetime, datetime]:
    issued_at = hour_of(at)
    return issued_at - _BEFORE, issued_at + BUNDLE_LASTS


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
