"""The SQL that reads cards: what they entitle to, and what their holders and the operator see of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, resident_names, trace_read
from community.citizen_cards import rules
from community.citizen_cards.models import CARDS, CLAIMED_NUMBER, CLAIMS, NUMBER, SCHEMES
from community.citizen_cards.schemas import CardClaimPublic, CardParty, CardPublic, CardSchemePublic, CardToVerify

ERASED: Final = "—"
_CURSOR: Final = "community.citizen_cards"
_c = CARDS.c
_limit = sa.bindparam("limit", type_=sa.Integer)
_community = sa.bindparam("community_id", type_=sa.Uuid)
_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
# Literal, for the partial indexes.
_VERIFIED: Final = _c.state == sa.literal_column("'verified'")
_GOOD: Final = sa.and_(_VERIFIED, sa.or_(_c.valid_until.is_(None), _c.valid_until > _at))
_BY_SCHEME: Final = CARDS.join(SCHEMES, SCHEMES.c.id == CARDS.c.scheme_id)

_OF_RESIDENTS: Final = (
    sa.select(_c.id, _c.resident_id, _c.valid_until, SCHEMES.c.entitlements)
    .select_from(_BY_SCHEME)
    .where(_c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))), _GOOD)
    # The one that is good the longest comes first.
    .order_by(_c.valid_until.desc().nulls_first(), _c.id)
)
_GATE: Final = (
    sa.select(_c.id, _c.resident_id, _c.number, _c.digest, _c.valid_until, SCHEMES.c.code, SCHEMES.c.entitlements)
    .select_from(_BY_SCHEME)
    .where(_c.community_id == _community, _GOOD)
)
_OF_COMMUNITY: Final = _GATE.where(
    SCHEMES.c.entitlements.overlap(sa.bindparam("entitlements", type_=ARRAY(sa.Text)))
).order_by(_c.id)
_BY_DIGEST: Final = _GATE.where(_c.digest == sa.any_(sa.bindparam("digests", type_=ARRAY(sa.LargeBinary))))
_CHANGED: Final = sa.select(sa.func.max(_c.updated_at), sa.func.count()).where(_c.community_id == _community, _VERIFIED)

_SCHEMES: Final = (
    sa.select(SCHEMES)
    .where(SCHEMES.c.community_id == _community, after((SCHEMES.c.id,), ("after_id",)))
    .order_by(SCHEMES.c.id)
    .limit(_limit)
)
_ACTIVE: Final = _SCHEMES.where(SCHEMES.c.is_active)
_SHOWN: Final = sa.select(CARDS, SCHEMES.c.code, SCHEMES.c.name, SCHEMES.c.entitlements).select_from(_BY_SCHEME)
_ONE: Final = _SHOWN.where(_c.id == sa.bindparam("card_id", type_=sa.Uuid))
_ALL_OF_RESIDENT: Final = (
    _SHOWN.where(
        _c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), after((_c.id,), ("after_id",), descending=True)
    )
    .order_by(_c.id.desc())
    .limit(_limit)
)
_TO_VERIFY: Final = audit.traced_each(
    _SHOWN.where(
        _c.community_id == _community, _c.state == sa.literal_column("'pending'"), after((_c.id,), ("after_id",))
    )
    .order_by(_c.id)
    .limit(_limit),
    "citizen_cards:queue",
)
_CLAIMS: Final = audit.traced_each(
    sa.select(
        *(CLAIMS.c[name] for name in ("id", "resident_id", "number", "claimed_by", "claimed_at")),
        SCHEMES.c.code,
        SCHEMES.c.name,
        _c.resident_id.label("holder_id"),
        _c.state.label("holder_state"),
        _c.linked_by,
        _c.created_at.label("linked_at"),
    )
    .select_from(
        CLAIMS.join(SCHEMES, SCHEMES.c.id == CLAIMS.c.scheme_id).outerjoin(
            CARDS,
            sa.and_(
                _c.community_id == CLAIMS.c.community_id,
                _c.scheme_id == CLAIMS.c.scheme_id,
                _c.digest == CLAIMS.c.digest,
                _c.state.in_([sa.literal_column("'pending'"), sa.literal_column("'verified'")]),
            ),
        )
    )
    .where(
        CLAIMS.c.community_id == _community,
        CLAIMS.c.state == sa.literal_column("'open'"),
        after((CLAIMS.c.id,), ("after_id",)),
    )
    .order_by(CLAIMS.c.id)
    .limit(_limit),
    "card_claims:list",
)


@dataclass(frozen=True, slots=True)
class GoodCard:
    """A verified card that is not over, its number normalized, with what it lets its holder do."""

    id: uuid.UUID
    resident_id: uuid.UUID
    scheme: str
    number: str
    digest: bytes
    entitlements: tuple[str, ...]
    valid_until: datetime | None


async def entitlements(connection: AsyncConnection, resident_id: uuid.UUID, at: datetime) -> dict[str, uuid.UUID]:
    """Return what a resident's cards let them do at an instant, and which card it is: verified, and not over then."""
    return (await entitlements_of(connection, [resident_id], at))[resident_id]


async def entitlements_of(
    connection: AsyncConnection, resident_ids: Sequence[uuid.UUID], at: datetime
) -> dict[uuid.UUID, dict[str, uuid.UUID]]:
    """Return what ``entitlements`` does, of several residents."""
    found: dict[uuid.UUID, dict[str, uuid.UUID]] = {resident_id: {} for resident_id in resident_ids}
    for row in await connection.execute(_OF_RESIDENTS, {"resident_ids": list(resident_ids), "at": at}):
        for entitlement in row.entitlements:
            found[row.resident_id].setdefault(entitlement, row.id)
    return found


async def cards_by_digest(
    connection: AsyncConnection, community_id: uuid.UUID, digests: Sequence[bytes], at: datetime
) -> dict[bytes, GoodCard]:
    """Return the good cards of a community under ``rules.card_digest``; what is no such card is left out."""
    binds = {"community_id": community_id, "digests": list(digests), "at": at}
    return {row.digest: _good(row) for row in await connection.execute(_BY_DIGEST, binds)}


async def good_cards(
    connection: AsyncConnection, community_id: uuid.UUID, entitlements: Sequence[str], at: datetime
) -> list[GoodCard]:
    """Return the good cards of a community that carry one of ``entitlements``, for the list a gate takes offline."""
    binds = {"community_id": community_id, "entitlements": list(entitlements), "at": at}
    return [_good(row) for row in await connection.execute(_OF_COMMUNITY, binds)]


async def cards_changed(connection: AsyncConnection, community_id: uuid.UUID) -> tuple[datetime | None, int]:
    """Return what is another once a verified card came, changed or went: for the entity tag of a gate's list."""
    changed_at, count = (await connection.execute(_CHANGED, {"community_id": community_id})).one()
    return changed_at, count


def _good(row: Any) -> GoodCard:
    return GoodCard(
        id=row.id,
        resident_id=row.resident_id,
        scheme=row.code,
        number=unseal(row.number, NUMBER),
        digest=row.digest,
        entitlements=tuple(row.entitlements),
        valid_until=row.valid_until,
    )


def _page_of(page: PageRequest) -> dict[str, Any]:
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    return {"limit": page.limit + 1, "after_id": last}


async def schemes(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[CardSchemePublic]:
    """Return a page of the kinds of cards of the actor's community; to who keeps them, also what was put aside."""
    statement = _SCHEMES if actor.holds("operator", organization_kind="operator") else _ACTIVE
    rows = (await connection.execute(statement, {"community_id": actor.community_id} | _page_of(page))).all()
    items = [scheme_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


def scheme_public(row: Any) -> CardSchemePublic:
    """Return a kind of card."""
    return CardSchemePublic(**{name: getattr(row, name) for name in CardSchemePublic.model_fields})


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[CardPublic]:
    """Return a page of a resident's cards, the latest first; another's read is on record."""
    rows = (await connection.execute(_ALL_OF_RESIDENT, {"resident_id": subject.resident_id} | _page_of(page))).all()
    await trace_read(connection, actor, subject, "citizen_cards:list")
    items = [CardPublic(**_card(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def card(connection: AsyncConnection, card_id: uuid.UUID) -> CardPublic:
    """Return a card as it stands after what somebody did with it, which is on record."""
    return CardPublic(**_card((await connection.execute(_ONE, {"card_id": card_id})).one()))


async def to_verify(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[CardToVerify]:
    """Return a page of the cards of the actor's community that wait to be verified, the oldest first; on record."""
    binds = {"community_id": actor.community_id} | _page_of(page) | audit.trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(_TO_VERIFY, binds)).all()
    names = await resident_names(connection, [row.resident_id for row in rows])
    items = [
        CardToVerify(
            **_card(row),
            resident_id=row.resident_id,
            resident=names.get(row.resident_id, ERASED),
            full_number=unseal(row.number, NUMBER),
            linked_by=row.linked_by,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def claims(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[CardClaimPublic]:
    """Return a page of the cards of the actor's community that two have linked, the oldest first; on record."""
    binds = {"community_id": actor.community_id} | _page_of(page) | audit.trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(_CLAIMS, binds)).all()
    holders = [row.holder_id for row in rows if row.holder_id is not None]
    for holder_id in dict.fromkeys(holders[: page.limit]):
        await audit.record(connection, actor, "card_claims:list", resident_id=holder_id)
    names = await resident_names(connection, [*(row.resident_id for row in rows), *holders])
    items = [
        CardClaimPublic(
            id=row.id,
            scheme=row.code,
            name=row.name,
            full_number=unseal(row.number, CLAIMED_NUMBER),
            claimant=_party(names, row.resident_id, row.claimed_by, row.claimed_at),
            holder=_party(names, row.holder_id, row.linked_by, row.linked_at) if row.holder_id else None,
            holder_state=row.holder_state,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


def _party(names: dict[uuid.UUID, str], resident_id: uuid.UUID, by: uuid.UUID, at: datetime) -> CardParty:
    return CardParty(resident_id=resident_id, resident=names.get(resident_id, ERASED), linked_by=by, linked_at=at)


def _card(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "scheme": row.code,
        "name": row.name,
        "number": rules.hidden(unseal(row.number, NUMBER)) if row.number else None,
        "state": row.state,
        "entitlements": row.entitlements,
        "last_day": row.last_day,
        "linked_at": row.created_at,
        "verified_at": row.verified_at,
        "closed_at": row.closed_at,
        "close_reason": row.close_reason,
    }
