"""Errors a caller can act on, rendered as problem documents (RFC 9457)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with the input: a JSON pointer (RFC 6901) to it, a sentence, a stable code."""

    pointer: str
    detail: str
    code: str


class Problem(Exception):  # noqa: N818 - the standard's own word
    """A refusal with a stable ``code``; subclasses set ``code``, ``status`` and ``title``."""

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Problem"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions

    def document(self, instance: str | None = None) -> dict[str, Any]:
        """Return the problem document as a mapping; ``instance`` is the path of the request."""
        document: dict[str, Any] = {
            "type": f"urn:hearthline:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = self.detail
        if instance:
            document["instance"] = instance
        if self.errors:
            document["errors"] = [
                {"pointer": error.pointer, "detail": error.detail, "code": error.code} for error in self.errors
            ]
        return document | self.extensions

    def response(self, instance: str | None = None) -> Response:
        """Return the HTTP response that carries the document."""
        return Response(orjson.dumps(self.document(instance)), self.status, headers=self.headers, media_type=MEDIA_TYPE)


class BadRequest(Problem):
    """The request cannot be read at all."""

    code, status, title = "bad_request", 400, "The request cannot be read"


class Unauthenticated(Problem):
    """Nobody is signed in, or the credential is no longer good."""

    code, status, title = "unauthenticated", 401, "Sign in to continue"

    def __init__(self, detail: str | None = None, **extensions: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"}, **extensions)


class Forbidden(Problem):
    """The actor may see the thing but not do this with it."""

    code, status, title = "forbidden", 403, "You may not do this"


class NotFound(Problem):
    """There is no such thing, or the actor may not know of it."""

    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(Problem):
    """The path exists, the method does not."""

    code, status, title = "method_not_allowed", 405, "The method is not allowed here"


class Conflict(Problem):
    """The state of the thing does not allow this."""

    code, status, title = "conflict", 409, "This conflicts with the current state"


class Gone(Problem):
    """The thing was there and is over."""

    code, status, title = "gone", 410, "This is over"


class StaleVersion(Problem):
    """``If-Match`` names a version that is no longer current."""

    code, status, title = "stale_version", 412, "This was changed in the meantime"


class PayloadTooLarge(Problem):
    """The body is larger than the route accepts."""

    code, status, title = "payload_too_large", 413, "The body is too large"


class UnsupportedMediaType(Problem):
    """The body is of a type the route does not accept."""

    code, status, title = "unsupported_media_type", 415, "The content type is not supported"


class Malformed(Problem):
    """The input has the wrong shape; ``errors`` says where."""

    code, status, title = "malformed", 422, "The input is malformed"


class PreconditionRequired(Problem):
    """The update needs ``If-Match``."""

    code, status, title = "precondition_required", 428, "If-Match is required"


class TooManyRequests(Problem):
    """A rate limit is used up; ``Retry-After`` says until when."""

    code, status, title = "too_many_requests", 429, "Too many requests"


class Unavailable(Problem):
    """We cannot serve this now; nothing was changed."""

    code, status, title = "unavailable", 503, "Temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2, **extensions: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **extensions)


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(examples=["urn:hearthline:problem:not_found"])
    title: str
    status: int
    code: str
    detail: str | None = None
    instance: str | None = None
    errors: list[FieldError] | None = None


def problem_responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with ``problems``, one entry per status.

    Their document is put there by `app.core.description`: a model for each would take a tenth of a process's start.
    """
    by_status: dict[int | str, list[type[Problem]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": "; ".join(sorted(f"{problem.title} (`{problem.code}`)" for problem in group)),
            "content": {MEDIA_TYPE: {}},
        }
        for status, group in by_status.items()
    }


def _pointer(location: Sequence[str | int], body: Any, *, is_there: bool) -> str:
    """Return a pointer to where it is wrong. Of a union pydantic also names the variant, which is nowhere in a body."""
    parts, value = [], None
    for depth, part in enumerate(location):
        goes_on = depth < len(location) - 1
        is_variant = (
            isinstance(value, dict)
            and part in value.values()
            # What is missing is named last, and is not there either; a field of the variant's name that goes no deeper
            # than itself is not what is meant where more follows.
            and ((part not in value and (is_there or goes_on)) or (goes_on and isinstance(value.get(part), str)))
        )
        if is_variant:
            continue
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
        if depth == 0:
            value = body if part == "body" else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
    return "/" + "/".join(parts)


def from_validation(error: RequestValidationError) -> Problem:
    """Return the 422 for what pydantic found; the input's values are never repeated."""
    errors = [
        FieldError(
            pointer=_pointer(item["loc"], error.body, is_there=item["type"] != "missing"),
            detail=str(item["msg"]),
            code=str(item["type"]),
        )
        for item in error.errors()
    ]
    if errors and errors[0].code == "json_invalid":
        return Malformed("the body is not JSON", errors=errors)
    return Malformed(errors=errors)


_BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (BadRequest, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, Conflict, PayloadTooLarge)
}


def from_http_exception(error: HTTPException) -> Response:
    """Return the problem response for an exception the framework itself raised."""
    known = _BY_STATUS.get(error.status_code)
    if known is not None:
        problem = known()
        problem.headers.update(error.headers or {})
        return problem.response()
    status = HTTPStatus(error.status_code)
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": error.status_code,
        "code": status.name.lower(),
    }
    return Response(orjson.dumps(document), error.status_code, headers=error.headers, media_type=MEDIA_TYPE)


class BodyLimitMiddleware:
    """Refuses bodies of more than ``max_body_size`` bytes, in our words.

    What says that it is short enough is let through at once: the server reads no more than a request announces.
    """

    def __init__(self, app: ASGIApp, max_body_size: int) -> None:
        self._app = app
        self._most = max_body_size
        self._counting = RequestBodyLimitMiddleware(app, max_body_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or _announced(scope) <= self._most:
            await self._app(scope, receive, send)
            return
        replaced = False

        async def answer(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == PayloadTooLarge.status:
                replaced = dict(message["headers"]).get(b"content-type") != MEDIA_TYPE.encode()
            if not replaced:
                await send(message)
            elif message["type"] == "http.response.start":
                await PayloadTooLarge().response(scope["path"])(scope, receive, send)

        await self._counting(scope, receive, answer)


def _announced(scope: Scope) -> float:
    """Return how many bytes a request says its body has; a chunked one says nothing, so it may have any number."""
    length = 0.0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return math.inf
        if name == b"content-length":
            length = max(length, int(value)) if value.isdigit() else math.inf
    return length


def internal_error() -> Response:
    """Return the 500, which never shows an exception's text."""
    document = {
        "type": "urn:hearthline:problem:internal",
        "title": "Something went wrong on our side",
        "status": 500,
        "code": "internal",
    }
    return Response(orjson.dumps(document), 500, media_type=MEDIA_TYPE)


async def handle_problem(request: Request, error: Exception) -> Response:
    """Render a ``Problem``, a validation error or a framework exception: the application's exception handler."""
    if isinstance(error, Problem):
        return error.response(request.url.path)
    if isinstance(error, RequestValidationError):
        return from_validation(error).response(request.url.path)
    if isinstance(error, HTTPException):
        return from_http_exception(error)
    return internal_error()
