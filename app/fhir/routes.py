"""FHIR over HTTP: the routes of every kind of resource, made from what its module declares."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.bodies import receive
from app.core.database import reading
from app.core.idempotency import HEADER
from app.core.problems import FieldError, Malformed, UnsupportedMediaType
from app.core.routing import Reading, Router, Session, in_units_of_work, route_options
from app.fhir import interactions
from app.fhir.access import Integrator, speaking
from app.fhir.batches import batch
from app.fhir.capability import capability_statement
from app.fhir.discovery import smart_configuration
from app.fhir.elements import ROOT, Json
from app.fhir.entries import entries_of
from app.fhir.everything import everything
from app.fhir.intake import parsed, sent, sent_parameters, sent_patch
from app.fhir.negotiation import answer, check_content, check_format, said, wants_bytes, written
from app.fhir.registry import Asked, Resource, writing
from app.fhir.resources import linking
from app.fhir.resources.scheduling import OPERATIONS
from app.fhir.served import RESOURCES
from app.fhir.transactions import transaction

_FORM: Final = "application/x-www-form-urlencoded"

router = Router(tags=["fhir"], prefix=ROOT)


@router.get("/metadata", include_in_schema=False)
@route_options(database=False)
@public("what the service can do is the same for everybody")
async def get_metadata(request: Request) -> Response:
    """Say what this service can do (FHIR R4, capabilities interaction)."""
    check_format(request)
    return answer(capability_statement())


@router.get("/.well-known/smart-configuration", include_in_schema=False)
@route_options(database=False)
@public("how one gets in is the same for everybody")
async def get_smart_configuration() -> Response:
    """Say where tokens are given, and what of SMART there is."""
    return Response(orjson.dumps(smart_configuration()), media_type="application/json")


def _add(path: str, endpoint: Callable[..., Any], method: str, **options: Any) -> None:
    name = f"{method.lower()}_{path.strip('/') or 'bundle'}"
    options |= {"include_in_schema": False, "response_model": None}
    router.add_api_route(path, endpoint, methods=[method], name=name, **options)


@route_options(database=False)
async def do_bundle(request: Request, actor: Integrator) -> Response:
    """Do a batch or a transaction (FHIR R4, 3.1.0.11)."""
    says = said(request)
    check_content(request)
    await receive(request)
    bundle = parsed(await request.body(), "Bundle")
    given = entries_of(bundle)

    async def at_once(request: Request) -> Response:
        asked = await writing(actor, request.state.session)
        return answer(await transaction(asked, given, says.preferences))

    if bundle["type"] == "transaction":
        return await in_units_of_work(request, at_once)
    if HEADER in request.headers:
        detail = "a batch is done entry by entry: send a transaction, or ifNoneExist"
        raise Malformed(errors=[FieldError(f"/header/{HEADER}", detail, "not-supported")])
    return answer(await batch(actor, given, says.preferences))


def _serve(resource: Resource) -> None:
    """Add the routes of one kind of resource."""
    path = f"/{resource.type}"

    async def search_type(request: Request, actor: Integrator, connection: Reading) -> Response:
        pairs = request.query_params.multi_items()
        return (await interactions.search(Asked(actor, connection), resource, pairs, said(request))).response()

    @route_options(database=False)
    async def search_type_posted(request: Request, actor: Integrator) -> Response:
        pairs = [*request.query_params.multi_items(), *await _form(request)]
        async with reading() as connection:
            return (await interactions.search(Asked(actor, connection), resource, pairs, said(request))).response()

    async def read(key: str, request: Request, actor: Integrator, connection: Reading) -> Response:
        if resource.send is not None and wants_bytes(request):
            return await resource.send(Asked(actor, connection), key)
        pairs = request.query_params.multi_items()
        return (await interactions.read(Asked(actor, connection), resource, key, pairs, said(request))).response()

    _add(path, search_type, "GET")
    _add(f"{path}/_search", search_type_posted, "POST")
    _add(f"{path}/{{key}}", read, "GET")
    for is_offered, serve in (
        (resource.history, _serve_history),
        (resource.read_version, _serve_versions),
        (resource.receive, _serve_receive),
        (resource.create if resource.receive is None else None, _serve_create),
        (resource.update, _serve_update),
        (resource.delete, _serve_delete),
    ):
        if is_offered is not None:
            serve(resource, path)


def _serve_history(resource: Resource, path: str) -> None:
    async def history(key: str, request: Request, actor: Integrator, connection: Reading) -> Response:
        check_format(request)
        pairs = request.query_params.multi_items()
        return (await interactions.history(Asked(actor, connection), resource, key, pairs)).response()

    _add(f"{path}/{{key}}/_history", history, "GET")


def _serve_versions(resource: Resource, path: str) -> None:
    async def read_version(
        key: str, version: str, request: Request, actor: Integrator, connection: Reading
    ) -> Response:
        asked = Asked(actor, connection)
        return (await interactions.read_version(asked, resource, key, version, said(request))).response()

    _add(f"{path}/{{key}}/_history/{{version}}", read_version, "GET")


def _serve_receive(resource: Resource, path: str) -> None:
    @route_options(database=False)
    async def create(request: Request, actor: Integrator) -> Response:
        says = said(request)
        assert resource.receive is not None  # noqa: S101 - what this route is made for
        return written(says, await resource.receive(actor, request), created=True).response()

    _add(path, create, "POST", max_body_size=resource.longest)


def _around(resource: Resource) -> Callable[[Request], AbstractAsyncContextManager[None]] | None:
    """Return what is done around the transaction of a request that sends such a resource."""
    keeping = resource.keeping
    if keeping is None:
        return None

    @asynccontextmanager
    async def around(request: Request) -> AsyncIterator[None]:
        actor = await speaking(request)
        async with keeping(actor, await sent(request, resource.type)) as document:
            request.state.document = document
            yield

    return around


async def _document(request: Request, resource: Resource) -> Json:
    return request.state.document if resource.keeping is not None else await sent(request, resource.type)


def _serve_create(resource: Resource, path: str) -> None:
    @route_options(around=_around(resource))
    async def create(request: Request, actor: Integrator, session: Session) -> Response:
        asked, says = await writing(actor, session), said(request)
        if says.if_none_exist is None:
            says = replace(says, if_none_exist=_condition(request))
        return (await interactions.create(asked, resource, await _document(request, resource), says)).response()

    _add(path, create, "POST")


def _condition(request: Request) -> str | None:
    """Return the condition that some clients put into the address; ignored, what it is to prevent would be done."""
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in ("_format", "_pretty")]
    return urlencode(pairs) or None


def _serve_update(resource: Resource, path: str) -> None:
    @route_options(around=_around(resource))
    async def update(key: str, request: Request, actor: Integrator, session: Session) -> Response:
        asked, says = await writing(actor, session), said(request)
        document = await _document(request, resource)
        return (await interactions.update(asked, resource, key, document, says)).response()

    @route_options(around=_around(resource))
    async def update_found(request: Request, actor: Integrator, session: Session) -> Response:
        asked, says = await writing(actor, session), said(request)
        document, pairs = await _document(request, resource), request.query_params.multi_items()
        return (await interactions.update_found(asked, resource, pairs, document, says)).response()

    async def patch(key: str, request: Request, actor: Integrator, session: Session) -> Response:
        asked, says = await writing(actor, session), said(request)
        return (await interactions.patch(asked, resource, key, await sent_patch(request), says)).response()

    _add(path, update_found, "PUT")
    _add(f"{path}/{{key}}", update, "PUT")
    _add(f"{path}/{{key}}", patch, "PATCH")


def _serve_delete(resource: Resource, path: str) -> None:
    async def delete(key: str, request: Request, actor: Integrator, session: Session) -> Response:
        check_format(request)
        return (await interactions.delete(await writing(actor, session), resource, key)).response()

    _add(f"{path}/{{key}}", delete, "DELETE")


async def _form(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != _FORM and body:
        raise UnsupportedMediaType(errors=[FieldError("/header/Content-Type", f"send {_FORM}", "not-supported")])
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=interactions.MOST_PARAMETERS)
    except ValueError:
        raise Malformed(errors=[FieldError("/body", "this is no form", "structure")]) from None


async def get_everything(key: str, request: Request, actor: Integrator, connection: Reading) -> Response:
    """Tell all that is known of a patient (FHIR R4, Patient-everything)."""
    handling = said(request).preferences.handling
    return answer(await everything(Asked(actor, connection), key, request.query_params.multi_items(), handling))


@route_options(database=False)
async def ask_for_everything(key: str, request: Request, actor: Integrator) -> Response:
    """Tell all that is known of a patient, asked for in a Parameters resource."""
    pairs = [*request.query_params.multi_items(), *await sent_parameters(request)]
    async with reading() as connection:
        return answer(await everything(Asked(actor, connection), key, pairs, said(request).preferences.handling))


_add("/Patient/{key}/$everything", get_everything, "GET")
_add("/Patient/{key}/$everything", ask_for_everything, "POST")
for _root in ("", "/"):
    _add(_root, do_bundle, "POST")
# Operations before ids, which their names could be.
for _name, _method, _operation in OPERATIONS:
    _add(f"/Appointment/{_name}", _operation, _method)
for _name, _method, _operation in linking.OPERATIONS:
    _add(f"/Patient/{_name}", _operation, _method)
for _one in RESOURCES:
    _serve(_one)
