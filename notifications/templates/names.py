"""What the ids among variables are called, read for a whole batch of notices at once."""

import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from app.identity import api as identity
from notifications.templates.notices import Notice
from notifications.templates.variables import NAMED, Named, Stored, named_ids


async def names_of(
    connection: AsyncConnection, notices: Iterable[tuple[Notice, Mapping[str, Stored]]]
) -> dict[uuid.UUID, str]:
    """Return the names of every resident, account and community that ``notices`` speak of; unknown ids are left out.

    Raises ``ValueError`` for a variable that should be an id and is not.
    """
    wanted: dict[Named, set[uuid.UUID]] = {named: set() for named in NAMED}
    for notice, stored in notices:
        for named in NAMED:
            wanted[named].update(named_ids(notice.variables, stored, named))
    found: dict[uuid.UUID, str] = {}
    if wanted["resident"]:
        found |= await identity.resident_names(connection, wanted["resident"])
    if wanted["account"]:
        people = await identity.people(connection, wanted["account"])
        found |= {account_id: person.name for account_id, person in people.items()}
    if wanted["community"]:
        found |= await identity.community_names(connection, wanted["community"])
    return found
