"""What a client says beside its question: the format, and what it prefers."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final, Literal

import orjson
from fastapi import Request
from starlette.responses import Response

from app.core.problems import FieldError, UnsupportedMediaType
from app.fhir.elements import Json, base_url
from app.fhir.outcomes import MEDIA_TYPE, issue, outcome
from app.fhir.problems import NotAcceptable
from app.fhir.searching import Handling

_JSON: Final = frozenset({"json", "application/json", "application/fhir+json", "text/json"})
_ANY: Final = frozenset({"*/*", "application/*"})
_VERSION: Final = re.compile(r"fhirversion\s*=\s*\"?(?P<version>[\d.]+)", re.IGNORECASE)
_PREFERENCE: Final = re.compile(r"\b(return|handling)\s*=\s*\"?([A-Za-z]+)")
Wanted = Literal["minimal", "representation", "OperationOutcome"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """What of an answer is wanted, and what becomes of what is not known (RFC 7240; FHIR R4, 3.1.0.1.7)."""

    answer: Wanted = "representation"
    handling: Handling = "lenient"


def is_json(content_type: str) -> bool:
    """Say whether a content type is one that FHIR's JSON is sent in."""
    return content_type in _JSON


def wants_bytes(request: Request) -> bool:
    """Say whether a Binary is wanted as what it is: it is, unless a format of FHIR's is named (FHIR R4, 2.42.2)."""
    if "_format" in request.query_params:
        return False
    ranges = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    return not any(is_json(one) or one == "application/fhir+xml" for one in ranges)


def check_format(request: Request) -> None:
    """Raise ``NotAcceptable`` unless the answer is wanted in JSON, of FHIR 4.0."""
    named = request.query_params.get("_format")
    accepted = named if named is not None else request.headers.get("accept", "*/*")
    ranges = [part.strip() for part in accepted.replace(" ", "+").split(",")] if named else accepted.split(",")
    for one in ranges:
        kind, _, parameters = one.partition(";")
        if kind.strip().lower() in _JSON | _ANY and _is_ours(parameters):
            return
    raise NotAcceptable


def _is_ours(parameters: str) -> bool:
    version = _VERSION.search(parameters)
    return version is None or version["version"] in ("4.0", "4.0.1")


def check_content(request: Request) -> None:
    """Raise ``UnsupportedMediaType`` unless the body says that it is JSON."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() not in _JSON or not _is_ours(parameters):
        error = FieldError("/header/Content-Type", f"send {MEDIA_TYPE}", "not-supported")
        raise UnsupportedMediaType(errors=[error])


def preferences(request: Request) -> Preferences:
    """Return what is preferred; what is not known is as if it were not said."""
    said: dict[str, Any] = dict(_PREFERENCE.findall(request.headers.get("prefer", "")))
    answer = said.get("return")
    handling = said.get("handling")
    return Preferences(
        answer if answer in ("minimal", "OperationOutcome") else "representation",
        "strict" if handling == "strict" else "lenient",
    )


def answer(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer in FHIR's JSON."""
    return Response(orjson.dumps(body), status, headers=headers, media_type=MEDIA_TYPE)


def of_resource(request: Request, resource: Json, body: Json | None = None) -> Response:
    """Return one resource with its version, or that it is what the client has (``If-None-Match``)."""
    headers = version_headers(resource)
    known = request.headers.get("if-none-match")
    if known is not None and known == headers.get("ETag"):
        return Response(status_code=304, headers=headers)
    return answer(resource if body is None else body, headers=headers)


def written(request: Request, resource: Json, *, created: bool) -> Response:
    """Return the answer to a write: as much of it as the client prefers."""
    headers = version_headers(resource)
    status = 201 if created else 200
    if created:
        version = resource.get("meta", {}).get("versionId")
        history = f"/_history/{version}" if version else ""
        headers["Location"] = f"{base_url()}/{resource['resourceType']}/{resource['id']}{history}"
    match preferences(request).answer:
        case "minimal":
            return Response(status_code=status, headers=headers)
        case "OperationOutcome":
            return answer(outcome(issue("information", "informational", "Done")), status, headers)
    return answer(resource, status, headers)


def version_headers(resource: Json) -> dict[str, str]:
    """Return the version and the last change of a resource as headers, where it has them."""
    known = resource.get("meta", {})
    headers: dict[str, str] = {}
    if "versionId" in known:
        headers["ETag"] = f'W/"{known["versionId"]}"'
    if "lastUpdated" in known:
        headers["Last-Modified"] = _http_date(known["lastUpdated"])
    return headers


def _http_date(text: str) -> str:
    return format_datetime(datetime.fromisoformat(text).astimezone(UTC), usegmt=True)
