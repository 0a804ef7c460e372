"""The route class: one transaction per attempt, committed before the answer leaves; idempotency, retry, versions."""

import re
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, TypeVar
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path, get_name
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core import database, idempotency
from app.core.access import authenticate
from app.core.bodies import WRITING, receive, refuse_unstorable_text
from app.core.database import is_retryable, is_unreachable, reading, unit_of_work
from app.core.endpoints import Plan, planned
from app.core.problems import (
    Conflict,
    FieldError,
    Malformed,
    Problem,
    StaleVersion,
    Unavailable,
    from_http_exception,
    from_validation,
    problem_responses,
)
from app.core.retrying import retrying
from app.core.tables import Table

log = structlog.get_logger(__name__)
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Around = Callable[[Request], AbstractAsyncContextManager[None]]

_OPTIONS = "hearthline_route_options"


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """What a route needs beside the ordinary.

    ``database=False``: no transaction and no connection is opened for it (streams, and services that open their own).
    ``idempotency=False``: ``Idempotency-Key`` is ignored (answers that carry secrets are never stored).
    ``any_body=True``, with ``database=False``: nothing in the body or the address is a reason to refuse the request;
    the endpoint makes sense of it by itself.
    ``writes=False``: what is asked with a body and keeps nothing gets a reading connection; ``Idempotency-Key`` says
    nothing to it.
    ``around``, where something is written, surrounds all attempts: for what takes too long to be in a transaction.
    """

    database: bool = True
    idempotency: bool = True
    any_body: bool = False
    writes: bool = True
    around: Around | None = None


def route_options(
    *,
    database: bool = True,
    idempotency: bool = True,
    any_body: bool = False,
    writes: bool = True,
    around: Around | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Set an endpoint's ``RouteOptions``; goes below the route decorator."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _OPTIONS, RouteOptions(database, idempotency and writes, any_body, writes, around))
        return endpoint

    return mark


def options_of(endpoint: Callable[..., Any]) -> RouteOptions:
    """Return what was set for an endpoint, or the ordinary options."""
    options: RouteOptions = getattr(endpoint, _OPTIONS, RouteOptions())
    return options


class UnitOfWorkRoute(APIRoute):
    """A route whose writing methods run in a unit of work per attempt and whose reading methods get a connection."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # Only what finds the route and names it. What answers is made when it is first asked for: there are more than a
        # thousand routes, a process meets a part of them, and workers and commands none at all.
        self._options: dict[str, Any] | None = options
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.name = options.get("name") or get_name(endpoint)
        self.methods = {method.upper() for method in options.get("methods") or ("GET",)}
        self.include_in_schema = options.get("include_in_schema", True)

    def __getattr__(self, name: str) -> Any:
        """Return what the framework makes of the endpoint, which is made the first time anything of it is missing."""
        options = self.__dict__.get("_options")
        if options is None or name.startswith("__"):
            raise AttributeError(f"a route has no {name}", name=name, obj=self)
        before = dict(self.__dict__)
        self._options = None
        try:
            self._complete(options)
        except BaseException:
            # Nothing half made is left behind: it would answer the next time.
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return getattr(self, name)

    def _complete(self, options: dict[str, Any]) -> None:
        super().__init__(self.path, self.endpoint, **options)
        self.answers_for_itself = self.plan is not None and self.max_body_size is None
        if self.answers_for_itself:
            # No dependency and no answer of a planned endpoint outlives it: the framework's stacks would stay empty.
            self.app = _served(self.get_route_handler())

    @cached_property
    def plan(self) -> Plan | None:
        """How the endpoint is called, or ``None`` if that is left to the framework."""
        return planned(self)

    def get_route_handler(self) -> Handler:
        """Return the endpoint's plan, or the framework's handler where there is none, inside our own."""
        inner = self.plan.answer if self.plan is not None else super().get_route_handler()
        options = options_of(self.endpoint)
        if not options.database:
            handler = inner if options.any_body else _bare(inner)
        elif options.writes and self.methods and self.methods & WRITING:
            handler = _writing(inner, options)
        else:
            handler = _reading(inner)
        return _answering(handler)


def _served(handler: Handler) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)

    return serve


def _bare(inner: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        await refuse_unstorable_text(request)
        return await inner(request)

    return handle


def _reading(inner: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        if request.method in WRITING:
            await receive(request)
        await refuse_unstorable_text(request)
        async with reading() as connection:
            request.state.reading = connection
            return await inner(request)

    return handle


def _writing(inner: Handler, options: RouteOptions) -> Handler:
    async def handle(request: Request) -> Response:
        # Before a transaction is opened: nobody holds one while they send slowly.
        await receive(request)
        await refuse_unstorable_text(request)
        return await in_units_of_work(request, inner, idempotent=options.idempotency, around=options.around)

    return handle


async def in_units_of_work(
    request: Request, inner: Handler, *, idempotent: bool = True, around: Around | None = None
) -> Response:
    """Return what ``inner`` answers in a unit of work of its own, ``request.state.session``; a failed one is repeated.

    With ``idempotent`` an ``Idempotency-Key`` is honoured; ``around`` surrounds all attempts. A refusal takes back what
    was done, and is the answer.
    """

    async def attempt(claim: idempotency.Claim | None) -> Response:
        async with unit_of_work() as session:
            request.state.session = session
            if claim and (replayed := await idempotency.replay(session, claim)):
                return replayed
            response = await inner(request)
            if claim:
                await idempotency.store(session, claim, response)
            return response

    claim = await _claim(request) if idempotent else None
    try:
        async with around(request) if around else nullcontext():
            return await retrying(lambda: attempt(claim))
    except (Problem, RequestValidationError, HTTPException) as refusal:
        response = _refusal(request, refusal)
        if claim and idempotency.is_final(response.status_code) and not _is_about_the_key(refusal):
            async with unit_of_work() as session:
                await idempotency.store(session, claim, response)
        return response


def _answering(handler: Handler) -> Handler:
    """Turn what goes wrong around the endpoint into problems, so that every route answers alike."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except (RequestValidationError, HTTPException) as refusal:
            return _refusal(request, refusal)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return problem.response(request.url.path)

    return handle


def problem_of(error: Exception) -> Problem | None:
    """Return what the caller is told of what went wrong in a unit of work; ``None`` of a mistake of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StaleDataError):
        return StaleVersion()
    if is_retryable(error) or is_unreachable(error):
        log.warning("database_unavailable", error=type(error).__name__)
        return Unavailable()
    if isinstance(error, IntegrityError) and getattr(error.orig, "sqlstate", None) == "23505":
        # Two did the same at once and the database let one through.
        return Conflict()
    return None


def _refusal(request: Request, error: Problem | RequestValidationError | HTTPException) -> Response:
    if isinstance(error, Problem):
        return error.response(request.url.path)
    if isinstance(error, RequestValidationError):
        return from_validation(error).response(request.url.path)
    return from_http_exception(error)


def _is_about_the_key(error: Exception) -> bool:
    return isinstance(error, (idempotency.IdempotencyKeyReused, idempotency.StillRunning))


async def _claim(request: Request) -> idempotency.Claim | None:
    key = request.headers.get(idempotency.HEADER)
    if key is None or request.method != "POST":
        return None
    actor = await authenticate(request)
    query = request.url.query
    path = f"{request.url.path}?{query}" if query else request.url.path
    if actor.app is not None:  # what somebody may by themselves, an app of theirs is not told by a key
        path = f"{path}\n{actor.app.id} {' '.join(actor.app.scopes)} {actor.app.patient_id}"
    return idempotency.Claim.of(actor.id, request.method, path, key, await request.body())


async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def _connection(request: Request) -> AsyncConnection:
    connection: AsyncConnection = request.state.reading
    return connection


Session = Annotated[AsyncSession, Depends(_session)]
"""The unit of work of a writing route; committed before the answer is sent."""

Reading = Annotated[AsyncConnection, Depends(_connection)]
"""The autocommit connection of a reading route."""


async def connection_of(request: Request) -> AsyncConnection:
    """Return the connection a guard reads through: the unit of work's in writing routes, the reading one otherwise."""
    session: AsyncSession | None = getattr(request.state, "session", None)
    return await _connection(request) if session is None else database.connection_of(session)


_ETAG = re.compile(r'^(?:W/)?"(\d{1,9})"$')


def version_of(if_match: str | None) -> int | None:
    """Return the version an ``If-Match`` names, ``None`` if it names none; raises ``Malformed``."""
    if if_match is None or if_match == "*":
        return None
    matched = _ETAG.match(if_match)
    if matched is None:
        raise Malformed(errors=[FieldError("/header/If-Match", 'expected an entity tag such as "3"', "if_match")])
    return int(matched.group(1))


async def _if_match(
    if_match: Annotated[str | None, Header(description='the version that is to be changed: `"3"`')] = None,
) -> int | None:
    return version_of(if_match)


IfMatch = Annotated[int | None, Depends(_if_match)]
"""The version a caller believes to be changing, or ``None`` if it did not say."""


def check_version(row: Table, if_match: int | None) -> None:
    """Raise ``StaleVersion`` unless ``if_match`` is the row's version (or absent)."""
    if if_match is not None and row.version != if_match:
        raise StaleVersion


def set_etag(response: Response, version: int) -> None:
    """Put the row's version on the answer as its entity tag."""
    response.headers["ETag"] = f'"{version}"'


def _operation_id(route: APIRoute) -> str:
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Router(APIRouter):
    """A router of ours: units of work, problem documents, ``verbNoun`` operation ids from the function's name."""

    def __init__(self, *, tags: list[str], prefix: str = "/v1") -> None:
        super().__init__(
            prefix=prefix,
            tags=list(tags),
            route_class=UnitOfWorkRoute,
            generate_unique_id_function=_operation_id,
            responses=problem_responses(Malformed, Unavailable),
        )

    def resident_route(self, method: str, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
        """Register one endpoint under ``/me<path>`` and ``/residents/{resident_id}<path>``.

        The endpoint's guard tells who is meant. ``list_check_ins`` becomes ``listMyCheckIns`` and
        ``listResidentCheckIns``.
        """

        def register(endpoint: Endpoint) -> Endpoint:
            verb, _, noun = endpoint.__name__.partition("_")
            self.add_api_route(f"/me{path}", endpoint, methods=[method], name=f"{verb}_my_{noun}", **options)
            self.add_api_route(
                f"/residents/{{resident_id}}{path}",
                endpoint,
                methods=[method],
                name=f"{verb}_resident_{noun}",
                **{**options, "dependencies": [*options.get("dependencies", ()), Depends(_resident_id)]},
            )
            return endpoint

        return register


async def _resident_id(resident_id: Annotated[UUID, Path()]) -> None:
    """Declare the path parameter that the guard reads."""
