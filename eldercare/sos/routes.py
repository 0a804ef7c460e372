"""The HTTP side of SOS: no expired session, no field and no header is a reason to refuse it."""

import structlog
from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.core import clock
from app.core.access import Actor, CurrentActor, public
from app.core.database import reading
from app.core.problems import Problem, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, route_options
from app.identity.api import authenticate_sos
from eldercare.alarms.problems import AlarmClosed, NotAResident, SosNotStored
from eldercare.alarms.views import alarm_public
from eldercare.sos import rules, service
from eldercare.sos.schemas import Numbers, Sos, SosPublic

router = Router(tags=["eldercare"])
log = structlog.get_logger(__name__)

_MOST_BYTES = 65_536
_SCHEMA = Sos.model_json_schema(ref_template="#/components/schemas/{model}")
del _SCHEMA["$defs"]  # the document's components have it, too
_DESCRIBED = {
    "requestBody": {"required": False, "content": {"application/json": {"schema": _SCHEMA}}},
    "security": [{"bearer": []}, {"device": []}],
}


@router.post(
    "/me/sos",
    status_code=201,
    response_model=SosPublic,
    responses=problem_responses(Unauthenticated, NotAResident, SosNotStored),
    openapi_extra=_DESCRIBED,
    max_body_size=2**40,  # what is too long is not read, and not refused
)
@public("an SOS also counts with credentials that are good for nothing else; identity finds out whose it is")
@route_options(database=False, idempotency=False, any_body=True)
async def raise_sos(request: Request, response: Response) -> SosPublic:
    """Call for help. Stored at once; people are told when the countdown ends, even if the app dies meanwhile."""
    actor: Actor | None = None
    try:
        actor = await service.insisting(lambda: authenticate_sos(request))
        sos = rules.understand(await _body(request), clock.now())
        alarm = await service.store(actor, sos)
    except Exception as error:
        numbers = service.numbers(actor.community_id if actor else None).model_dump()
        # That others opened and closed alarms in its way is no refusal: a device takes one for the last word.
        if isinstance(error, Problem) and not isinstance(error, AlarmClosed):
            error.extensions = numbers | error.extensions
            raise
        service.report_not_stored(error)
        raise SosNotStored(**numbers) from error
    response.headers["Location"] = f"/v1/alarms/{alarm.id}"
    return SosPublic(**alarm_public(alarm).model_dump(), **(await _numbers(actor)).model_dump())


@router.get("/me/sos", responses=problem_responses(Unauthenticated))
async def get_sos_numbers(connection: Reading, actor: CurrentActor) -> Numbers:
    """Show whom to phone when nothing else works; apps keep it."""
    return await service.learn_numbers(connection, actor.community_id)


async def _numbers(actor: Actor) -> Numbers:
    """Return the community's numbers; the alarm is stored, so not even this may fail."""
    try:
        async with reading() as connection:
            return await service.learn_numbers(connection, actor.community_id)
    except Exception as error:  # noqa: BLE001
        log.warning("sos_numbers_unread", error=type(error).__name__)
        return service.numbers(actor.community_id)


async def _body(request: Request) -> bytes:
    """Return the body if it can be read and is not absurdly long, else a few of its bytes, which mean nothing."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                return body[:1]
    except (HTTPException, ClientDisconnect):
        return body[:1]
    return body
