"""What attractions are: described, shown to everybody, or withdrawn."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit_many
from app.core.problems import FieldError
from app.core.routing import check_version
from app.identity.api import community
from app.media.api import Purpose, attach
from community.attractions import repository
from community.attractions.access import AttractionAt, require_runs_attractions
from community.attractions.models import ATTRACTIONS, PHOTOS, Attraction, AttractionCrowd
from community.attractions.problems import NotPublishable
from community.attractions.rules import indexed, missing
from community.attractions.schemas import AttractionWrite
from community.attractions.service.deriving import derive
from community.events import AttractionChanged

What = Literal["hours", "facts", "published", "withdrawn"]

_PUT: Final = {"published": "attraction:publish", "withdrawn": "attraction:withdraw"}
_what = sa.bindparam("what", type_=sa.Text)
_TOLD: Final = (
    sa.select(
        ATTRACTIONS.c.id.label("aggregate_id"),
        ATTRACTIONS.c.community_id,
        sa.func.jsonb_build_object("organization_id", ATTRACTIONS.c.organization_id, "what", _what).label("payload"),
    )
    .where(
        ATTRACTIONS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
        sa.or_(ATTRACTIONS.c.state == "published", _what == "withdrawn"),
    )
    .order_by(ATTRACTIONS.c.id)
)


async def add(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: AttractionWrite) -> Attraction:
    """Describe an attraction, as a draft; raises ``NotAnAttraction``, and what ``attach`` raises of a photo."""
    await require_runs_attractions(await session.connection(), actor, organization_id)
    row = Attraction(
        community_id=actor.community_id,
        organization_id=organization_id,
        **await values_of(session, actor, data),
    )
    await insert(session, [row])
    await _attach(session, actor, row.id, data.photo_ids)
    await audit.record(session, actor, "attraction:add", object_id=row.id)
    return row


async def insert(session: AsyncSession, rows: list[Attraction]) -> None:
    """Insert attractions, in which nobody is."""
    session.add_all(rows)
    await session.flush()
    session.add_all(AttractionCrowd(attraction_id=row.id, counts_from=clock.now()) for row in rows)
    await session.flush()


async def set_facts(
    session: AsyncSession,
    actor: Actor,
    at: AttractionAt,
    data: AttractionWrite,
    if_match: int | None,
) -> Attraction:
    """Say what an attraction is from now on; raises ``NotFound``, ``StaleVersion``, ``NotPublishable`` and as ``add``.

    What is published stays fit for that.
    """
    row = await repository.locked(session, at)
    check_version(row, if_match)
    await _attach(session, actor, row.id, [one for one in data.photo_ids if one not in row.photo_ids])
    if change(row, await values_of(session, actor, data)):
        require_publishable(row)
        await changed(session, [row.id], "facts")
    await audit.record(session, actor, "attraction:set", object_id=row.id)
    return row


async def publish(session: AsyncSession, actor: Actor, at: AttractionAt) -> Attraction:
    """Show an attraction to everybody; raises ``NotFound``, ``NotPublishable``. What is shown already stays so."""
    return await _put(session, actor, await repository.locked(session, at), "published")


async def withdraw(session: AsyncSession, actor: Actor, at: AttractionAt) -> Attraction:
    """Show an attraction to nobody from now on; raises ``NotFound``. A draft stays one."""
    return await _put(session, actor, await repository.locked(session, at), "withdrawn")


async def _put(
    session: AsyncSession, actor: Actor, row: Attraction, state: Literal["published", "withdrawn"]
) -> Attraction:
    if row.state == state or (row.state == "draft" and state == "withdrawn"):
        return row
    row.state = state
    require_publishable(row, "")
    await changed(session, [row.id], state)
    await audit.record(session, actor, _PUT[state], object_id=row.id)
    return row


def require_publishable(row: Attraction, root: str = "/body") -> None:
    """Raise ``NotPublishable`` for something everybody sees and that says too little; ``root`` is where it was said."""
    if row.state == "published" and (errors := missing(row.name, row.hours)):
        raise NotPublishable(errors=[FieldError(f"{root}{where}", why, code) for where, why, code in errors])


def change(row: Attraction, values: Mapping[str, Any]) -> bool:
    """Give a row other values; return whether any is another than before."""
    different = [name for name, value in values.items() if getattr(row, name) != value]
    for name in different:
        setattr(row, name, values[name])
    return bool(different)


async def changed(session: AsyncSession, ids: Collection[uuid.UUID], what: What) -> None:
    """Tell of a change of locked attractions that are shown, or were; and say anew when they are open."""
    if ids:
        await derive(session, ids)
        await emit_many(session, AttractionChanged, _TOLD, {"ids": list(ids), "what": what})


async def values_of(session: AsyncSession, actor: Actor, data: AttractionWrite) -> dict[str, Any]:
    """Return what is kept of a description, with what it is found by."""
    values = data.model_dump(mode="python")
    if data.time_zone is None:
        values["time_zone"] = (await community(await session.connection(), actor.community_id)).time_zone
    others = [values[name] for name in ("summary", "description", "access_note")]
    name, text, grams = indexed(values["name"], others, data.tags)
    return values | {"search_name": name, "search_text": text, "search_grams": grams}


async def _attach(session: AsyncSession, actor: Actor, attraction_id: uuid.UUID, photo_ids: list[uuid.UUID]) -> None:
    for photo_id in photo_ids:
        # A picture of a place is nobody's data: it stays when who uploaded it goes.
        await attach(
            session,
            actor,
            photo_id,
            purpose=Purpose.PHOTO,
            kind=PHOTOS,
            object_id=attraction_id,
            about_id=attraction_id,
        )
