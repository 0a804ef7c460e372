"""The SQL that reads flags, and whether somebody asked to be told of them."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.identity.api import ResidentSubject
from eldercare.wellbeing.models import FLAGS, LISTENERS
from eldercare.wellbeing.rules.flags import State
from eldercare.wellbeing.rules.measures import SCALES
from eldercare.wellbeing.rules.sentences import compared
from eldercare.wellbeing.schemas import FlagPublic

_CURSOR: Final = "eldercare.wellbeing_flags"
_resident: Final = sa.bindparam("of_resident", type_=sa.Uuid)
_LIST: Final = (
    sa.select(FLAGS)
    .where(
        FLAGS.c.resident_id == _resident,
        FLAGS.c.state == sa.any_(sa.bindparam("states", type_=ARRAY(sa.Text))),
        after((FLAGS.c.opened_at, FLAGS.c.id), ("after_at", "after_id"), descending=True),
    )
    .order_by(FLAGS.c.opened_at.desc(), FLAGS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_TRACED: Final = audit.traced(_LIST, "wellbeing:list_flags")
_LISTENS: Final = sa.select(
    sa.exists().where(
        LISTENERS.c.resident_id == _resident, LISTENERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid)
    )
)


async def flags(
    connection: AsyncConnection,
    actor: Actor,
    subject: ResidentSubject,
    page: PageRequest,
    states: Collection[State],
    language: str,
) -> Page[FlagPublic]:
    """Return a page of a resident's flags in these states, the latest first; what others read is put on record."""
    at, last_id = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None, None)
    binds: dict[str, Any] = {
        "of_resident": subject.resident_id,
        "states": list(states),
        "limit": page.limit + 1,
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    statement = _LIST
    if subject.relation != "self":
        statement = _TRACED
        binds |= audit.trace_binds(actor, resident_id=subject.resident_id, community_id=subject.community_id)
    rows = (await connection.execute(statement, binds)).all()
    items = [flag_public(row, language) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("opened_at", "id")))


def flag_public(row: Any, language: str) -> FlagPublic:
    """Return a flag (a row or a model) as it is shown in a language of ours."""
    own = {name: getattr(row, name) for name in FlagPublic.model_fields if name not in ("unit", "text")}
    text = compared(language, row.measure, "drifting", row.recent, row.usual)
    return FlagPublic(**own, unit=SCALES[own["measure"]].unit, text=text)


async def listens(connection: AsyncConnection, resident_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Say whether an account asked to be told of a resident's flags."""
    return bool(await connection.scalar(_LISTENS, {"of_resident": resident_id, "account_id": account_id}))
