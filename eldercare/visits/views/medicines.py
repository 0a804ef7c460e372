"""What is to be taken in a visit's time, as medication tells it to whoever may know."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import MAX_LIMIT, PageRequest
from app.core.problems import Forbidden, NotFound
from app.identity.api import require_resident
from eldercare.medication.schemas.doses import DosePublic
from eldercare.medication.views.doses import Wanted, doses

READ: Final = "medication:read"
RECORD: Final = "medication:record"


async def doses_of(
    connection: AsyncConnection, actor: Actor, visit: sa.Row[Any], *, scope: str = READ
) -> list[DosePublic] | None:
    """Return the planned doses due in a visit's time, in that order; ``None`` if the actor has not the scope for them.

    Reading them is on record as any reading of doses.
    """
    try:
        subject = await require_resident(connection, actor, visit.resident_id, scope)
    except (Forbidden, NotFound):
        return None
    wanted = Wanted(visit.starts_at, visit.ends_at)
    found, _ = await doses(connection, actor, subject, PageRequest(MAX_LIMIT, None), wanted)
    return [dose for dose in found if dose.kind == "planned"]
