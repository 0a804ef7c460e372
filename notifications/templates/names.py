"""What the ids among variables are called, read for a whole batch of notices at once."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.identity import api as identity
from notifications.templates.announcements import announcements
from notifications.templates.notices import Notice
from notifications.templates.variables import NAMED, Kind, Stored, named_ids

_LOOKED_UP: Final[tuple[Kind, ...]] = (*NAMED, "announcement")


async def names_of(
    connection: AsyncConnection,
    notices: Iterable[tuple[Notice, Mapping[str, Stored]]],
    people: Mapping[uuid.UUID, identity.PersonPublic] | None = None,
) -> dict[uuid.UUID, str]:
    """Return the names of every resident, account and community that ``notices`` speak of, and announcements' texts.

    Unknown ids are left out, and ``people`` are known already.
    Raises ``ValueError`` for a variable that should be an id and is not.
    """
    wanted: dict[Kind, set[uuid.UUID]] = {named: set() for named in _LOOKED_UP}
    for notice, stored in notices:
        for named in _LOOKED_UP:
            wanted[named].update(named_ids(notice.variables, stored, named))
    found: dict[uuid.UUID, str] = {}
    if wanted["resident"]:
        found |= await identity.resident_names(connection, wanted["resident"])
    known = dict(people or {})
    if strangers := wanted["account"] - known.keys():
        known |= await identity.people(connection, strangers)
    found |= {account_id: known[account_id].name for account_id in wanted["account"] & known.keys()}
    if wanted["community"]:
        found |= await identity.community_names(connection, wanted["community"])
    if wanted["announcement"]:
        found |= await announcements(connection, wanted["announcement"])
    return found
