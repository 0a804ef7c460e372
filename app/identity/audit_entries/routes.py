"""The search of the audit trail over HTTP, for the community's operator."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Forbidden, Malformed, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.access import Member, member_guard
from app.identity.audit_entries import views
from app.identity.audit_entries.schemas import AuditEntryPublic

router = Router(tags=["identity"])

USUAL: Final = timedelta(days=30)
LONGEST: Final = timedelta(days=366)
NAMED_BY_NOBODY: Final = timedelta(days=31)
"""How far a search may reach that names neither a resident nor who did it: it reads all there is."""

Action = Annotated[
    str | None,
    Query(pattern=r"^[a-z][a-z0-9_]{0,59}(:[a-z][a-z0-9_]{0,59})?$", description="`thing:verb`, or only the thing"),
]


async def _query(
    resident_id: Annotated[uuid.UUID | None, Query(description="about whom; they find the search in theirs")] = None,
    actor_id: Annotated[uuid.UUID | None, Query(description="the account, client or device that did it")] = None,
    object_id: Annotated[uuid.UUID | None, Query(description="the thing it was done with")] = None,
    action: Action = None,
    *,
    since: Annotated[GivenInstant | None, Query(alias="from", description="30 days before `to` unless given")] = None,
    before: Annotated[GivenInstant | None, Query(alias="to", description="now unless given")] = None,
) -> views.EntryQuery:
    before = before or clock.now() + timedelta(milliseconds=1)
    since = since or before - USUAL
    longest = LONGEST if resident_id or actor_id else NAMED_BY_NOBODY
    if not timedelta(0) <= before - since <= longest:
        message = f"has to lie at most {longest.days} days after from"
        raise Malformed(errors=[FieldError("/query/to", message, "period")])
    return views.EntryQuery(since, before, resident_id, actor_id, object_id, action)


@router.get("/audit-entries", responses=problem_responses(Unauthenticated, Forbidden))
async def list_audit_entries(
    connection: Reading,
    member: Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))],
    page: PageQuery,
    query: Annotated[views.EntryQuery, Depends(_query)],
) -> Page[AuditEntryPublic]:
    """Search the community's audit trail, the latest first; the search itself is in it.

    A year at most; a month where neither a resident nor an actor is named.
    """
    return await views.entries(connection, member.actor, query, page)
