"""Endpoints called by a plan made once: in which order their dependencies run, and what each takes from the request.

FastAPI works this out anew in every request, which costs as much as two statements. The plan reads parameters and
bodies with FastAPI's own functions, so values, errors and the OpenAPI description are the same (only that an error in
what two dependencies share is told once); it does not ask again what cannot change. What it does not know (forms,
streams, generators) is left to FastAPI.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from enum import Enum
from functools import lru_cache, partial
from typing import Any, Final, Literal

from fastapi import Request, params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, serialize_response
from fastapi.utils import is_body_allowed_for_status_code
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response

Place = Literal["path", "query", "header"]
_FAILED: Final = object()
_PLAIN = (str, int, float, bool, Enum, type(None))
"""What may be shared between requests; anything else a default could be is made anew each time."""


class _NotPlannable(Exception):  # noqa: N818 - says what happened
    """An endpoint asks for something that only FastAPI knows how to give."""


class _Parameters:
    """The parameters one function takes from one place of the request."""

    def __init__(self, place: Place, fields: list[Any]) -> None:
        self._place, self._fields = place, fields
        self._names = frozenset(field.alias.lower().encode("latin-1") for field in fields)
        # What else a parameter may be called is FastAPI's to know.
        known = all(field.validation_alias in (None, field.alias) and not _is_model(field) for field in fields)
        absent, errors = request_params_to_args(fields, QueryParams() if place == "query" else Headers({}))
        shared = not errors and all(isinstance(value, _PLAIN) for value in absent.values())
        self._absent = absent if shared and (place == "query" or (place == "header" and known)) else None

    def read(self, request: Request) -> tuple[Mapping[str, Any], list[Any]]:
        """Return the values by name, and what is wrong with them."""
        if self._absent is not None and not self._any_given(request):
            return self._absent, []
        source: Any = request.path_params
        if self._place == "query":
            source = request.query_params
        elif self._place == "header":
            source = request.headers
        return request_params_to_args(self._fields, source)

    def _any_given(self, request: Request) -> bool:
        if self._place == "query":
            return bool(request.scope["query_string"])
        return any(name in self._names for name, _ in request.scope["headers"])


@dataclass(frozen=True, slots=True)
class _Step:
    """One call: with the results of earlier steps, parameters, and the request or the answer if it asks for them."""

    call: Callable[..., Awaitable[Any]]
    inputs: tuple[tuple[str, int], ...]
    needs: tuple[int, ...]
    parameters: tuple[_Parameters, ...]
    request_name: str | None
    response_name: str | None

    def arguments(self, request: Request, response: Response, results: list[Any], errors: list[Any]) -> dict[str, Any]:
        """Return what the call is given; adds to ``errors`` what is wrong with the request."""
        values = {name: results[index] for name, index in self.inputs}
        for parameters in self.parameters:
            given, wrong = parameters.read(request)
            values.update(given)
            errors += wrong
        if self.request_name is not None:
            values[self.request_name] = request
        if self.response_name is not None:
            values[self.response_name] = response
        return values


class _Planner:
    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self._known: dict[Callable[..., Any], int] = {}

    def add(self, dependant: Dependant) -> int:
        """Return the number of the step that gives what ``dependant`` stands for; one per function."""
        call = dependant.call
        if call is None:
            raise _NotPlannable
        if dependant.use_cache and call in self._known:
            return self._known[call]
        needs = [self.add(needed) for needed in dependant.dependencies]
        step = _step(dependant, needs)
        self.steps.append(step)
        self._known[call] = len(self.steps) - 1
        return len(self.steps) - 1


def _step(dependant: Dependant, needs: list[int]) -> _Step:
    foreign = (
        dependant.cookie_params,
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
        dependant.own_oauth_scopes,
        dependant.concurrency,
    )
    if any(foreign) or dependant.call is None or not inspect.iscoroutinefunction(dependant.call):
        raise _NotPlannable
    named = [
        (needed.name, index)
        for needed, index in zip(dependant.dependencies, needs, strict=True)
        if needed.name is not None
    ]
    places: tuple[tuple[Place, list[Any]], ...] = (
        ("path", dependant.path_params),
        ("query", dependant.query_params),
        ("header", dependant.header_params),
    )
    return _Step(
        call=dependant.call,
        inputs=tuple(named),
        needs=tuple(needs),
        parameters=tuple(_Parameters(place, fields) for place, fields in places if fields),
        request_name=dependant.request_param_name,
        response_name=dependant.response_param_name,
    )


def _is_model(field: Any) -> bool:
    kind = field.field_info.annotation
    return inspect.isclass(kind) and issubclass(kind, BaseModel)


@lru_cache(maxsize=64)
def _says_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


class Plan:
    """How one route's endpoint is called."""

    def __init__(self, route: APIRoute) -> None:
        dependant = route.dependant
        planner = _Planner()
        needs = [planner.add(needed) for needed in dependant.dependencies]
        if any(_has_body(needed) for needed in dependant.dependencies):
            raise _NotPlannable
        if route.body_field is not None and isinstance(route.body_field.field_info, params.Form):
            raise _NotPlannable
        # An answer of a class of its own, or a stream, is made by FastAPI.
        if not isinstance(route.response_class, DefaultPlaceholder) or route.stream_item_type is not None:
            raise _NotPlannable
        self._steps = tuple(planner.steps)
        self._endpoint = _step(dependant, needs)
        self._body = dependant.body_params
        self._embeds = route._embed_body_fields  # noqa: SLF001 - how FastAPI told its own handler
        self._status = route.status_code
        self._content = partial(
            serialize_response,
            field=route.response_field,
            include=route.response_model_include,
            exclude=route.response_model_exclude,
            by_alias=route.response_model_by_alias,
            exclude_unset=route.response_model_exclude_unset,
            exclude_defaults=route.response_model_exclude_defaults,
            exclude_none=route.response_model_exclude_none,
            dump_json=route.response_field is not None,
        )

    async def answer(self, request: Request) -> Response:
        """Return the endpoint's answer; raises ``RequestValidationError`` for a request that does not fit it."""
        body = await _read_json(request) if self._body else PydanticUndefined
        notes = Response()
        del notes.headers["content-length"]
        notes.status_code = 0  # until a dependency or the endpoint sets one
        errors: list[Any] = []
        results: list[Any] = []
        for step in self._steps:
            results.append(await _result(step, request, notes, results, errors))
        arguments = self._endpoint.arguments(request, notes, results, errors)
        if self._body:
            given, wrong = await request_body_to_args(self._body, body, self._embeds)
            arguments.update(given)
            errors += wrong
        if errors:
            raise RequestValidationError(errors, body=body)
        outcome = await self._endpoint.call(**arguments)
        if isinstance(outcome, Response):
            return outcome
        return await self._serialized(outcome, notes)

    async def _serialized(self, outcome: Any, notes: Response) -> Response:
        status = notes.status_code or self._status or 200
        content = b""
        if is_body_allowed_for_status_code(status):
            found = await self._content(response_content=outcome)
            content = found if isinstance(found, bytes) else json.dumps(found, allow_nan=False).encode()
        response = Response(content, status, media_type="application/json")
        response.headers.raw.extend(notes.headers.raw)
        return response


async def _result(step: _Step, request: Request, response: Response, results: list[Any], errors: list[Any]) -> Any:
    """Return what a step gives, or ``_FAILED`` if the request keeps it from being called."""
    wrong: list[Any] = []
    arguments = step.arguments(request, response, results, wrong)
    errors += wrong
    if wrong or any(results[index] is _FAILED for index in step.needs):
        return _FAILED
    return await step.call(**arguments)


def _has_body(dependant: Dependant) -> bool:
    return bool(dependant.body_params) or any(_has_body(needed) for needed in dependant.dependencies)


async def _read_json(request: Request) -> Any:
    """Return the document in the body, its bytes if it does not say that it is JSON, or undefined if it is empty."""
    raw = await request.body()
    if not raw:
        return PydanticUndefined
    if not _says_json(request.headers.get("content-type", "")):
        return raw
    try:
        return json.loads(raw.decode())  # strictly: what is not UTF-8 is no text that can be stored
    except json.JSONDecodeError as error:
        found = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([found | {"ctx": {"error": error.msg}}]) from None
    except (ValueError, RecursionError):  # not UTF-8, or nested deeper than can be read
        raise HTTPException(400, "There was an error parsing the body") from None


def planned(route: APIRoute) -> Plan | None:
    """Return the plan of a route's endpoint, or ``None`` if FastAPI has to call it."""
    try:
        return Plan(route)
    except _NotPlannable:
        return None
