"""Gates over HTTP: kept by the attraction, taken along by scanners, brought back, decided on; and a ticket's code."""

import uuid
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query, Response

from app.core import clock
from app.core.access import not_viewed
from app.core.paging import Page, PageQuery
from app.core.problems import (
    Conflict,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    StaleVersion,
    TooManyRequests,
    Unauthenticated,
    problem_responses,
)
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import Person
from community.gates.access import Deciding, GateKeeping, Keeping, Scanning, Seeing
from community.gates.problems import ConflictClosed, GateClosed, TicketNotValid
from community.gates.rules import ConflictState
from community.gates.schemas import (
    ConflictPublic,
    ConflictResolve,
    GateBundle,
    GateCreate,
    GatePublic,
    GateRulesPublic,
    GateRulesWrite,
    GateWrite,
    ScanResults,
    ScansGiven,
    TicketCodePublic,
)
from community.gates.service import coding, keeping, resolving, taking
from community.gates.views import bundles
from community.gates.views import gates as views
from community.ticket_orders.access import Subject, ticket_guard

router = Router(tags=["tourism"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_MOST_BYTES: Final = 8_000_000
"""Ten thousand scans, each with a code and a reason why somebody was let in all the same."""
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "nothing has changed"}}


@router.get("/gates", responses=problem_responses(Unauthenticated, Forbidden))
async def list_gates(connection: Reading, actor: Person, page: PageQuery) -> Page[GatePublic]:
    """List the gates at which one may scan."""
    return await views.gates(connection, actor, page)


@router.post("/attractions/{attraction_id}/gates", status_code=201, responses=problem_responses(*_GUARDED, Conflict))
async def add_gate(session: Session, at: Keeping, data: GateCreate, response: Response) -> GatePublic:
    """Add a gate to an attraction."""
    row = await keeping.add_gate(session, at, data)
    set_etag(response, row.version)
    return await views.gate(await session.connection(), at.community_id, row.id)


@router.put("/gates/{gate_id}", responses=problem_responses(*_GUARDED, Conflict, StaleVersion))
async def set_gate(
    session: Session, at: GateKeeping, data: GateWrite, if_match: IfMatch, response: Response
) -> GatePublic:
    """Call a gate otherwise, or put it aside: then nothing is taken from it any more."""
    row = await keeping.set_gate(session, at, data, if_match)
    set_etag(response, row.version)
    return await views.gate(await session.connection(), at.community_id, row.id)


@router.get("/attractions/{attraction_id}/gate-rules", responses=problem_responses(*_GUARDED))
async def get_gate_rules(connection: Reading, at: Seeing, response: Response) -> GateRulesPublic:
    """Show what opens an attraction's gates beside tickets."""
    found = await views.rules_of(connection, at.attraction_id)
    set_etag(response, found.version)
    return found


@router.put("/attractions/{attraction_id}/gate-rules", responses=problem_responses(*_GUARDED, StaleVersion))
async def set_gate_rules(
    session: Session,
    at: Keeping,
    data: GateRulesWrite,
    if_match: IfMatch,
    response: Response,
) -> GateRulesPublic:
    """Say which citizen cards open an attraction's gates without a ticket."""
    await keeping.set_rules(session, at, data, if_match)
    found = await views.rules_of(await session.connection(), at.attraction_id)
    set_etag(response, found.version)
    return found


@router.get("/gates/{gate_id}/bundle", responses=problem_responses(*_GUARDED) | _NOT_MODIFIED)
async def get_gate_bundle(
    connection: Reading,
    at: Scanning,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> GateBundle:
    """Take along what a gate needs to work without a network: ask again with `If-None-Match`."""
    now = clock.now()
    etag = await bundles.bundle_version(connection, at.id, at.attraction_id, at.community_id, now)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and etag in if_none_match:
        return Response(status_code=304, headers=headers)  # type: ignore[return-value]  # FastAPI passes it through
    response.headers.update(headers)
    return await bundles.bundle(connection, at.id, at.attraction_id, at.community_id, now)


@router.post(
    "/gates/{gate_id}/scans",
    max_body_size=_MOST_BYTES,
    responses=problem_responses(*_GUARDED, GateClosed, PayloadTooLarge, TooManyRequests),
)
@route_options(database=False, idempotency=False)  # each scan has a nonce, and counts once however often it is sent
async def bring_scans(at: Scanning, data: ScansGiven) -> ScanResults:
    """Bring what was scanned, one scan at once or ten thousand after a day without a network, in any order."""
    return await taking.take(at, data)


@router.get("/attractions/{attraction_id}/admission-conflicts", responses=problem_responses(*_GUARDED))
async def list_admission_conflicts(
    connection: Reading,
    at: Keeping,
    page: PageQuery,
    state: Annotated[list[ConflictState] | None, Query(max_length=3, description="those that are open")] = None,
) -> Page[ConflictPublic]:
    """List entries that do not fit what was sold: one ticket let in by two gates, one that was given back before."""
    return await views.conflicts(connection, at.attraction_id, state or ["open"], page)


@router.post("/admission-conflicts/{conflict_id}/resolution", responses=problem_responses(*_GUARDED, ConflictClosed))
async def resolve_admission_conflict(session: Session, at: Deciding, data: ConflictResolve) -> ConflictPublic:
    """Say what it was and why."""
    await resolving.resolve(session, at, data)
    return await views.conflict(await session.connection(), at.id)


@router.get("/tickets/{ticket_id}/code", responses=problem_responses(*_GUARDED, TicketNotValid))
@not_viewed("whoever shows it gets in")
async def get_ticket_code(
    ticket_id: uuid.UUID,
    connection: Reading,
    subject: Annotated[Subject, Depends(ticket_guard)],
    response: Response,
) -> TicketCodePublic:
    """Show the code of a ticket, to whoever may act for whom it is for, and to the desk that prints it."""
    response.headers["Cache-Control"] = "no-store"
    return await coding.code_of(connection, subject, ticket_id)
