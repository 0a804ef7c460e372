"""The SQL that finds, locked for a sale, of which pools it takes."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.statements import HotStatement
from community.ticketing.rules import Wanted

# A slot's lock is shared by those who sell of it and alone for whoever cancels it, moves it or covers it with a quota.
# Whoever waited for that lock sees the slot as it is then, but shares as they were before: ``is_whole`` says so.
_SOLD_OF: Final = HotStatement(
    sa.text("""
    WITH locked AS MATERIALIZED (
        SELECT id, attraction_id, state, entry_until, pool_id, product_ids, quota_ids FROM community_ticket_slot
        WHERE id = ANY (CAST(:slot_ids AS uuid[])) ORDER BY id FOR KEY SHARE
    )
    SELECT w.place, l.state, l.entry_until, l.pool_id, p.persons, p.state AS product_state,
           cardinality(l.product_ids) = 0 OR p.id = ANY (l.product_ids) AS is_for_slot,
           q.pool_ids, q.known = cardinality(l.quota_ids) AS is_whole
    FROM unnest(CAST(:slot_ids AS uuid[]), CAST(:product_ids AS uuid[])) WITH ORDINALITY
        AS w (slot_id, product_id, place)
    LEFT JOIN locked l ON l.id = w.slot_id
    LEFT JOIN community_ticket_product p ON p.id = w.product_id AND p.attraction_id = l.attraction_id
    LEFT JOIN LATERAL (
        SELECT count(*) AS known, array_agg(h.pool_id ORDER BY h.pool_id) FILTER (
            WHERE cardinality(h.product_ids) = 0 OR w.product_id = ANY (h.product_ids)) AS pool_ids
        FROM community_ticket_quota_share h WHERE h.id = ANY (l.quota_ids)
    ) q ON true
    ORDER BY w.place""").bindparams(
        sa.bindparam("slot_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("product_ids", type_=ARRAY(sa.Uuid))
    )
)
_TRIES: Final = 3


async def sold_of(connection: AsyncConnection, wanted: Sequence[Wanted]) -> list[Any]:
    """Return for each of ``wanted`` its slot's state and pools, locked against change until the sale commits."""
    binds = {"slot_ids": [one.slot_id for one in wanted], "product_ids": [one.product_id for one in wanted]}
    rows: list[Any] = []
    for _ in range(_TRIES):
        rows = await _SOLD_OF.rows(connection, binds)
        if all(row.state is None or row.is_whole for row in rows):
            break
    return rows
