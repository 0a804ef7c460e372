"""Refusals as FHIR tells them: every problem document under the FHIR address becomes an OperationOutcome."""

import re
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.problems import MEDIA_TYPE as PROBLEM
from app.fhir.elements import ROOT, Json, filled

MEDIA_TYPE: Final = "application/fhir+json"
# http://hl7.org/fhir/R4/valueset-issue-type.html
_BY_STATUS: Final = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    429: "throttled",
    500: "exception",
    503: "transient",
}
_TYPES: Final = frozenset(
    {
        "structure",
        "required",
        "value",
        "invariant",
        "not-supported",
        "business-rule",
        "not-found",
        "too-costly",
        "multiple-matches",
    }
)
_ITS_OWN: Final = frozenset({b"content-length", b"content-type"})


def issue(severity: str, code: str, text: str, **more: Any) -> Json:
    """Return one issue of an outcome."""
    return filled(severity=severity, code=code, details={"text": text}, **more)


def outcome(*issues: Json) -> Json:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def of_problem(document: Json) -> Json:
    """Return what a problem document says, an issue for each thing that is wrong with the input."""
    kind = _BY_STATUS.get(document["status"], "processing")
    coded = [{"system": "urn:hearthline:problem", "code": document["code"]}]
    errors = document.get("errors", [])
    if not errors:
        found = issue("error", kind, document["title"], **filled(diagnostics=document.get("detail")))
        found["details"]["coding"] = coded
        return outcome(found)
    issues = []
    for error in errors:
        code = error["code"] if error["code"] in _TYPES else kind
        found = issue("error", code, document["title"], diagnostics=error["detail"], **_place(error["pointer"]))
        found["details"]["coding"] = coded
        issues.append(found)
    return outcome(*issues)


def _place(pointer: str) -> Json:
    """Return where something is wrong: a header or parameter, or an element by its FHIRPath."""
    if not pointer.startswith("/"):
        return {"expression": [pointer]}
    where, _, rest = pointer[1:].partition("/")
    if where in ("query", "header"):
        return {"location": [f"http.{rest}"]}
    return filled(expression=[fhir_path(rest.split("/"))] if rest else None)


def fhir_path(parts: list[Any]) -> str:
    """Return the path of an element: names joined by dots, places in lists in brackets."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(str(part) for part in parts))


def is_fhir(path: str) -> bool:
    """Say whether a path is one of the FHIR service's."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def spoken(path: str, response: Response) -> Response:
    """Return a refusal as whoever asked for ``path`` understands it."""
    if not is_fhir(path) or response.media_type != PROBLEM:
        return response
    return Response(
        orjson.dumps(of_problem(orjson.loads(bytes(response.body)))), response.status_code, media_type=MEDIA_TYPE
    )


class OperationOutcomes:
    """Turns each problem document that answers a FHIR request into an OperationOutcome, wherever it was made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not is_fhir(scope["path"]):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def answer(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _tell(start, body)

        async def _tell(begun: Message, document: bytes) -> None:
            said = Response(orjson.dumps(of_problem(orjson.loads(document))), begun["status"], media_type=MEDIA_TYPE)
            said.raw_headers += [pair for pair in begun["headers"] if pair[0].lower() not in _ITS_OWN]
            await said(scope, receive, send)

        await self._app(scope, receive, answer)


def _is_problem(message: Message) -> bool:
    kind: bytes = dict(message["headers"]).get(b"content-type", b"")
    return kind.startswith(PROBLEM.encode())
