"""The SQL of opt-outs."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.sealing import blind_index
from notifications.opt_outs.models import OPT_OUTS

_KIND = "notifications_opt_out.number"
_AMONG = sa.select(OPT_OUTS.c.number_index).where(
    OPT_OUTS.c.number_index == sa.any_(sa.bindparam("indexes", type_=ARRAY(sa.LargeBinary)))
)


async def opt_out(session: AsyncSession, number: str) -> None:
    """Remember that an E.164 number wants no text messages that are not critical."""
    row = {"number_index": blind_index(_KIND, number), "opted_out_at": clock.now()}
    await session.execute(insert(OPT_OUTS).values(row).on_conflict_do_nothing())


async def opt_in(session: AsyncSession, number: str) -> None:
    """Forget that a number opted out."""
    await session.execute(sa.delete(OPT_OUTS).where(OPT_OUTS.c.number_index == blind_index(_KIND, number)))


async def opted_out(connection: AsyncConnection, numbers: Iterable[str]) -> set[str]:
    """Return those of the numbers that opted out."""
    by_index = {blind_index(_KIND, number): number for number in numbers}
    if not by_index:
        return set()
    return {by_index[index] for index in await connection.scalars(_AMONG, {"indexes": list(by_index)})}
