"""FHIR over HTTP: the routes of every kind of resource, made from what its module declares."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.database import reading
from app.core.problems import FieldError, Malformed, NotFound, UnsupportedMediaType
from app.core.routing import IfMatch, Reading, Router, Session, route_options
from app.core.wall_time import zone
from app.fhir import bundles, negotiation, searching
from app.fhir.access import Integrator
from app.fhir.capability import capability_statement
from app.fhir.elements import ROOT
from app.fhir.includes import included
from app.fhir.intake import sent
from app.fhir.registry import Asked, Resource
from app.fhir.resources import linking
from app.fhir.resources.scheduling import OPERATIONS
from app.fhir.served import BY_TYPE, RESOURCES
from app.identity.api import community

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_PARAMETERS: Final = 100

router = Router(tags=["fhir"], prefix=ROOT)


@router.get("/metadata", include_in_schema=False)
@route_options(database=False)
@public("what the service can do is the same for everybody")
async def get_metadata(request: Request) -> Response:
    """Say what this service can do (FHIR R4, capabilities interaction)."""
    negotiation.check_format(request)
    return negotiation.answer(capability_statement())


async def _search(resource: Resource, asked: Asked, request: Request, pairs: Sequence[tuple[str, str]]) -> Response:
    negotiation.check_format(request)
    if len(pairs) > _MOST_PARAMETERS:
        raise Malformed(errors=[FieldError("/query", f"at most {_MOST_PARAMETERS} parameters", "too_many")])
    handling = negotiation.preferences(request).handling
    on_wall = await _zone(asked) if searching.needs_zone(resource, pairs) else zone("UTC")
    wanted = searching.understand(resource, pairs, handling=handling, zone=on_wall, served=BY_TYPE)
    found = await resource.search(asked, wanted.query)
    beside = await included(asked, found.resources, wanted.includes, BY_TYPE)
    return negotiation.answer(bundles.searchset(resource, wanted, found, beside))


async def _zone(asked: Asked) -> tzinfo:
    return zone((await community(asked.connection, asked.actor.community_id)).time_zone)


async def _read(resource: Resource, asked: Asked, request: Request, key: str) -> Response:
    negotiation.check_format(request)
    shaping = [pair for pair in request.query_params.multi_items() if pair[0] in ("_elements", "_summary")]
    wanted = searching.understand(resource, shaping, handling="lenient", zone=zone("UTC"), served=BY_TYPE)
    found = await resource.read(asked, key)
    return negotiation.of_resource(request, found, bundles.shaped(resource, wanted, found))


def _serve(resource: Resource) -> None:
    """Add the routes of one kind of resource."""
    path = f"/{resource.type}"

    async def search_type(request: Request, actor: Integrator, connection: Reading) -> Response:
        asked = Asked(actor, connection)
        return await _search(resource, asked, request, request.query_params.multi_items())

    @route_options(database=False)
    async def search_type_posted(request: Request, actor: Integrator) -> Response:
        pairs = [*request.query_params.multi_items(), *await _form(request)]
        async with reading() as connection:
            return await _search(resource, Asked(actor, connection), request, pairs)

    async def read(key: str, request: Request, actor: Integrator, connection: Reading) -> Response:
        return await _read(resource, Asked(actor, connection), request, key)

    _add(path, search_type, "GET")
    _add(f"{path}/_search", search_type_posted, "POST")
    _add(f"{path}/{{key}}", read, "GET")
    if resource.history is not None:
        _serve_history(resource, path)
    if resource.read_version is not None:
        _serve_versions(resource, path)
    if resource.create is not None:
        _serve_create(resource, path)
    if resource.update is not None:
        _serve_update(resource, path)


def _serve_history(resource: Resource, path: str) -> None:
    async def history(key: str, request: Request, actor: Integrator, connection: Reading) -> Response:
        negotiation.check_format(request)
        page = searching.page_of(request.query_params.multi_items())
        assert resource.history is not None  # noqa: S101 - what this route is made for
        found = await resource.history(Asked(actor, connection), key, page)
        return negotiation.answer(bundles.history(resource, key, page, found))

    _add(f"{path}/{{key}}/_history", history, "GET")


def _serve_versions(resource: Resource, path: str) -> None:
    async def read_version(
        key: str, version: str, request: Request, actor: Integrator, connection: Reading
    ) -> Response:
        negotiation.check_format(request)
        if not version.isdecimal() or len(version) > 9:
            raise NotFound
        assert resource.read_version is not None  # noqa: S101 - what this route is made for
        found = await resource.read_version(Asked(actor, connection), key, int(version))
        return negotiation.of_resource(request, found)

    _add(f"{path}/{{key}}/_history/{{version}}", read_version, "GET")


def _serve_create(resource: Resource, path: str) -> None:
    async def create(request: Request, actor: Integrator, session: Session) -> Response:
        negotiation.check_format(request)
        document = await sent(request, resource.type)
        if "if-none-exist" in request.headers:
            error = FieldError("/header/If-None-Exist", "send an Idempotency-Key instead", "not-supported")
            raise Malformed(errors=[error])
        asked = Asked(actor, await session.connection(), session)
        assert resource.create is not None  # noqa: S101 - what this route is made for
        return negotiation.written(request, await resource.create(asked, document), created=True)

    _add(path, create, "POST")


def _serve_update(resource: Resource, path: str) -> None:
    async def update(key: str, request: Request, actor: Integrator, session: Session, if_match: IfMatch) -> Response:
        negotiation.check_format(request)
        document = await sent(request, resource.type)
        if document.get("id") != key:
            error = FieldError(f"{resource.type}.id", "not the id in the address", "value")
            raise Malformed(errors=[error])
        asked = Asked(actor, await session.connection(), session)
        assert resource.update is not None  # noqa: S101 - what this route is made for
        return negotiation.written(request, await resource.update(asked, key, document, if_match), created=False)

    _add(f"{path}/{{key}}", update, "PUT")


async def _form(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != _FORM and body:
        raise UnsupportedMediaType(errors=[FieldError("/header/Content-Type", f"send {_FORM}", "not-supported")])
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Malformed(errors=[FieldError("/body", "this is no form", "structure")]) from None


def _add(path: str, endpoint: object, method: str) -> None:
    name = f"{method.lower()}_{path.strip('/')}"
    router.add_api_route(path, endpoint, methods=[method], name=name, include_in_schema=False, response_model=None)  # type: ignore[arg-type]


# Operations before ids, which their names could be.
for _name, _method, _operation in OPERATIONS:
    _add(f"/Appointment/{_name}", _operation, _method)
for _name, _method, _operation in linking.OPERATIONS:
    _add(f"/Patient/{_name}", _operation, _method)
for _one in RESOURCES:
    _serve(_one)
