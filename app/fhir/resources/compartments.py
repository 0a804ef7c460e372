"""Searches of what is about patients: of one who is named, of oneself, or of those whom ids belong to."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from app.core.paging import PageRequest, decode_cursor, encode_cursor
from app.core.problems import Forbidden, NotFound
from app.fhir.elements import Json
from app.fhir.registry import Asked, Found, Query
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import one_patient
from telemedicine.api import residents_of_records

_KIND: Final = "fhir.patients"
Search = Callable[[uuid.UUID, PageRequest], Awaitable[Found]]


async def of_patients(
    asked: Asked, query: Query, of_one: Search, *names: str, ids: Sequence[uuid.UUID] | None = None
) -> Found:
    """Return a page of what ``of_one`` finds of the patients a search is about, by the parameters ``names``.

    Where nobody is named, and ``ids`` of records are wanted (default: those of the search), those are meant whom they
    belong to and whose records the actor may read.
    """
    names = names or ("patient", "subject")
    ids = ids_of(query.ids) if ids is None else ids
    named = [wanted for name in names if (wanted := query.keys(name, "Patient")) is not None]
    several = set.intersection(*named) if named else set()
    if len(several) > 1:
        return await _of_several(ids_of(several) or [], query.page, of_one)
    if named or ids is None:
        return await of_one(one_patient(asked, query, *names), query.page)
    return await _of_several(await residents_of_records(asked.connection, asked.actor, ids), query.page, of_one)


async def beside(query: Query, found: Found, of_id: Callable[[uuid.UUID], Awaitable[Json | None]]) -> Found:
    """Return what was found with those of the wanted ids that are of another package's; not what may not be seen."""
    others = (query.ids or frozenset()) - {one["id"] for one in found.resources}
    resources = list(found.resources)
    for key in ids_of(others) or ():
        with suppress(Forbidden):
            resources += [one] if (one := await of_id(key)) is not None else []
    return Found(resources, found.next)


async def _of_several(residents: Sequence[uuid.UUID], page: PageRequest, of_one: Search) -> Found:
    """Return a page of one patient's after the other's; what of one the actor may not see is left out."""
    at, cursor = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    found = Found([])
    for resident_id in sorted(residents):
        if at is not None and resident_id < uuid.UUID(at):
            continue
        room = page.limit - len(found.resources)
        if room == 0:
            return Found(found.resources, encode_cursor(_KIND, [resident_id, None]))
        try:
            more = await of_one(resident_id, PageRequest(room, cursor if str(resident_id) == at else None))
        except (NotFound, Forbidden):
            continue
        found.resources.extend(more.resources)
        if more.next is not None:
            return Found(found.resources, encode_cursor(_KIND, [resident_id, more.next]))
    return found
