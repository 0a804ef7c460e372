"""Who is told what of a visit."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.api import duty_desk, members_of
from eldercare.visits.models import VISITS
from notifications.api import Notice, Value, send, send_many

_given = (
    sa.func.unnest(
        sa.bindparam("visit_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("account_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("occasions", type_=ARRAY(sa.Text)),
        sa.bindparam("extras", type_=ARRAY(sa.Text)),
    )
    .table_valued(
        sa.column("visit_id", sa.Uuid),
        sa.column("account_id", sa.Uuid),
        sa.column("occasion", sa.Text),
        sa.column("extra", sa.Text),
    )
    .render_derived("given")
)
_resident_id = sa.cast(VISITS.c.resident_id, sa.Text)
_RECIPIENTS = sa.select(
    _given.c.account_id,
    VISITS.c.community_id,
    (sa.literal("visit:", sa.Text) + sa.cast(VISITS.c.id, sa.Text) + ":" + _given.c.occasion).label("dedupe_key"),
    sa.func.jsonb_build_object("resident", _resident_id, "starts_at", VISITS.c.starts_at, type_=JSONB)
    .concat(sa.cast(_given.c.extra, JSONB))
    .label("variables"),
    sa.func.jsonb_build_object(
        "visit_id", sa.cast(VISITS.c.id, sa.Text), "resident_id", _resident_id, type_=JSONB
    ).label("data"),
    VISITS.c.resident_id.label("about"),
).join_from(_given, VISITS, VISITS.c.id == _given.c.visit_id)


@dataclass(frozen=True, slots=True)
class Telling:
    """That accounts are told of a visit; under one ``occasion`` each gets it once."""

    visit_id: uuid.UUID
    account_ids: Sequence[uuid.UUID]
    occasion: str
    variables: Mapping[str, Value] = field(default_factory=dict)


async def tell(
    session: AsyncSession,
    notice: Notice,
    visit: sa.Row[Any],
    account_ids: Iterable[uuid.UUID],
    occasion: str,
    **variables: Value,
) -> None:
    """Write ``notice`` about a visit for the accounts; under one ``occasion`` each gets it once."""
    about: dict[str, Value] = {"resident": visit.resident_id, "starts_at": visit.starts_at}
    await send(
        session,
        notice,
        list(dict.fromkeys(account_ids)),
        community_id=visit.community_id,
        dedupe_key=f"visit:{visit.id}:{occasion}",
        variables=about | variables,
        about=visit.resident_id,
        data={"visit_id": str(visit.id), "resident_id": str(visit.resident_id)},
    )


async def tell_all(session: AsyncSession, notice: Notice, tellings: Iterable[Telling]) -> None:
    """Write ``notice`` about many visits as they stand, in one statement whatever their number."""
    rows = {
        (one.visit_id, account_id, one.occasion): orjson.dumps({name: _stored(v) for name, v in one.variables.items()})
        for one in tellings
        for account_id in one.account_ids
    }
    if rows:
        binds = {
            "visit_ids": [visit_id for visit_id, _, _ in rows],
            "account_ids": [account_id for _, account_id, _ in rows],
            "occasions": [occasion for _, _, occasion in rows],
            "extras": [extra.decode() for extra in rows.values()],
        }
        await send_many(session, notice, _RECIPIENTS, binds=binds)


def _stored(value: Value) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


async def agency(
    session: AsyncSession, visit: sa.Row[Any], *, besides: uuid.UUID | None = None, with_desk: bool = False
) -> list[uuid.UUID]:
    """Return who hears of trouble: the agency's coordinators; the duty desk where there are none, or ``with_desk``."""
    found = (await agencies(session, [visit], {visit.id} if with_desk else ()))[visit.id]
    return [account_id for account_id in found if account_id != besides]


async def agencies(
    session: AsyncSession, visits: Sequence[sa.Row[Any]], with_desk: Collection[uuid.UUID] = ()
) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Return who hears of trouble with each of the visits, as ``agency`` does; ``with_desk`` names visits."""
    if not visits:
        return {}
    connection = await session.connection()
    coordinators = await members_of(connection, {visit.organization_id for visit in visits}, "coordinator")
    calling = {one.community_id for one in visits if one.id in with_desk or not coordinators[one.organization_id]}
    desks = {community_id: await duty_desk(connection, community_id) for community_id in sorted(calling)}
    found = {}
    for visit in visits:
        told = coordinators[visit.organization_id]
        if visit.id in with_desk or not told:
            told = [*told, *desks[visit.community_id]]
        found[visit.id] = list(dict.fromkeys(told))
    return found
