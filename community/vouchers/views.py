"""The SQL that reads vouchers: by their code for who buys, all of them for who keeps them."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.statements import HotStatement
from app.reservations.api import pools
from community.vouchers.models import VOUCHERS
from community.vouchers.rules import digest
from community.vouchers.schemas import VoucherPublic

_KIND: Final = "community.vouchers"
_BY_CODE: Final = HotStatement(
    sa.select(VOUCHERS).where(
        VOUCHERS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        VOUCHERS.c.code_digest == sa.bindparam("code_digest", type_=sa.LargeBinary),
    )
)
_LIST: Final = (
    sa.select(VOUCHERS)
    .where(
        VOUCHERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        after((VOUCHERS.c.id,), ("after_id",), descending=True),
    )
    .order_by(VOUCHERS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def voucher_of(connection: AsyncConnection, community_id: uuid.UUID, code: str) -> Any | None:
    """Return the voucher of a code, whatever it is worth now; ``None`` if there is none."""
    return await _BY_CODE.row(connection, {"community_id": community_id, "code_digest": digest(community_id, code)})


async def vouchers(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[VoucherPublic]:
    """Return a page of an organization's vouchers with how often they were used, the latest first."""
    (after_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {"organization_id": organization_id, "after_id": after_id, "limit": page.limit + 1}
    rows = list(await connection.execute(_LIST, binds))
    return Page(items=await shown(connection, rows[: page.limit]), next=next_cursor(_KIND, rows, page.limit, ["id"]))


async def shown(connection: AsyncConnection, rows: list[Any]) -> list[VoucherPublic]:
    """Return vouchers as whoever keeps them sees them."""
    uses = await pools(connection, [row.pool_id for row in rows])
    own = VoucherPublic.model_fields.keys() & VOUCHERS.c.keys()
    return [
        VoucherPublic(
            **{name: getattr(row, name) for name in own},
            max_uses=uses[row.pool_id].capacity,
            used=uses[row.pool_id].taken,
        )
        for row in rows
    ]
