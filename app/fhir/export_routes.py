"""Bulk Data Access 2.0 over HTTP: an export is begun, asked after, ended, and its files are fetched.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

import re
import uuid
from email.utils import format_datetime
from typing import Final

import orjson
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.problems import NotFound
from app.core.routing import Reading, Router, Session, route_options
from app.fhir import negotiation
from app.fhir.access import Integrator
from app.fhir.elements import ROOT, Json, base_url, uuid_of
from app.fhir.exports import views
from app.fhir.exports.problems import ExportFailed, NotRespondAsync
from app.fhir.exports.service import fetching, ordering
from app.fhir.intake import sent
from app.fhir.searching import Pairs
from app.fhir.served import BY_TYPE

_ASYNC: Final = re.compile(r"(^|[,;\s])respond-async\b")
_NDJSON: Final = "application/fhir+ndjson"
_STATUS: Final = "$export-status"
_FILE: Final = "$export-file"
_NO_STORE: Final = {"Cache-Control": "no-store"}
_AGAIN: Final = "5"
"""Seconds after which it is worth asking again."""

router = Router(tags=["fhir"], prefix=ROOT)


async def _begin(
    request: Request, actor: Actor, pairs: Pairs, group: str | None, patients: list[str] | None
) -> Response:
    negotiation.check_format(request)
    if not _ASYNC.search(request.headers.get("prefer", "")):
        raise NotRespondAsync
    organization_id = ordering.require_client(actor, group)
    address = f"{base_url()}{request.url.path.removeprefix(ROOT)}"
    if request.url.query:
        address += f"?{request.url.query}"
    is_lenient = "handling=lenient" in request.headers.get("prefer", "")
    order = ordering.understand(address, pairs, BY_TYPE, lenient=is_lenient)
    async with unit_of_work() as session:
        export_id = await ordering.begin(session, actor, organization_id, order, patients)
    return Response(status_code=202, headers={"Content-Location": f"{base_url()}/{_STATUS}/{export_id}"})


async def export_patients(request: Request, actor: Integrator) -> Response:
    """Begin an export of all patients the client may see."""
    return await _begin(request, actor, request.query_params.multi_items(), None, None)


async def export_group(key: str, request: Request, actor: Integrator) -> Response:
    """Begin an export of the patients of a group."""
    return await _begin(request, actor, request.query_params.multi_items(), key, None)


async def export_patients_posted(request: Request, actor: Integrator) -> Response:
    """Begin an export of all patients, or of those that Parameters name."""
    pairs, patients = ordering.pairs_of(await sent(request, "Parameters"))
    return await _begin(request, actor, pairs, None, patients)


async def export_group_posted(key: str, request: Request, actor: Integrator) -> Response:
    """Begin an export of the patients of a group, or of those of them that Parameters name."""
    pairs, patients = ordering.pairs_of(await sent(request, "Parameters"))
    return await _begin(request, actor, pairs, key, patients)


async def export_status(key: str, request: Request, actor: Integrator, connection: Reading) -> Response:
    """Say how far an export is, or what it consists of."""
    negotiation.check_format(request)
    found = await views.standing(connection, actor.id, _id(key))
    if found.state == "failed":
        raise ExportFailed(found.error)
    if found.state == "running":
        progress = f"{found.done} of {found.total} patients"
        return Response(status_code=202, headers={"X-Progress": progress, "Retry-After": _AGAIN})
    files: list[Json] = [
        {"type": one.type, "url": f"{base_url()}/{_FILE}/{one.id}", "count": one.resources}
        for one in await views.files(connection, found.id)
    ]
    document = ordering.manifest(found.order, found.transaction_at, files)
    headers = _NO_STORE | {"Expires": format_datetime(found.expires_at, usegmt=True)}
    return Response(orjson.dumps(document), headers=headers, media_type="application/json")


async def end_export(key: str, request: Request, actor: Integrator, session: Session) -> Response:
    """End an export, or let go of one that is finished: its files are removed."""
    negotiation.check_format(request)
    await ordering.cancel(session, actor, _id(key))
    return Response(status_code=202)


async def export_file(key: str, actor: Integrator) -> Response:
    """Send a file of an export, as far as its client may still see what is in it."""
    return StreamingResponse(await fetching.lines(actor, _id(key)), media_type=_NDJSON, headers=_NO_STORE)


def _id(key: str) -> uuid.UUID:
    found = uuid_of(key)
    if found is None:
        raise NotFound
    return found


for _path, _method, _endpoint, _has_unit in (
    ("/Patient/$export", "GET", export_patients, False),
    ("/Patient/$export", "POST", export_patients_posted, False),
    ("/Group/{key}/$export", "GET", export_group, False),
    ("/Group/{key}/$export", "POST", export_group_posted, False),
    (f"/{_STATUS}/{{key}}", "GET", export_status, True),
    (f"/{_STATUS}/{{key}}", "DELETE", end_export, True),
    (f"/{_FILE}/{{key}}", "GET", export_file, False),
):
    _served = _endpoint if _has_unit else route_options(database=False)(_endpoint)
    router.add_api_route(_path, _served, methods=[_method], include_in_schema=False, response_model=None)
