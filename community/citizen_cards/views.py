"""The SQL that says what cards entitle to: to who sells, and to gates."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.sealing import unseal
from community.citizen_cards.models import CARDS, NUMBER, SCHEMES

_c = CARDS.c
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
    .where(_c.community_id == sa.bindparam("community_id", type_=sa.Uuid), _GOOD)
)
_OF_COMMUNITY: Final = _GATE.where(
    SCHEMES.c.entitlements.overlap(sa.bindparam("entitlements", type_=ARRAY(sa.Text)))
).order_by(_c.id)
_BY_DIGEST: Final = _GATE.where(_c.digest == sa.any_(sa.bindparam("digests", type_=ARRAY(sa.LargeBinary))))
_CHANGED: Final = sa.select(sa.func.max(_c.updated_at), sa.func.count()).where(
    _c.community_id == sa.bindparam("community_id", type_=sa.Uuid), _VERIFIED
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
