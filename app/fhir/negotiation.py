"""What a client says beside its question: the format, and what it prefers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
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


@dataclass(frozen=True, slots=True)
class Said:
    """What a client says beside the address and the body: in headers, or in an entry of a Bundle."""

    preferences: Preferences = Preferences()
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_none_exist: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an interaction is answered: over HTTP, or in an entry of a Bundle."""

    status: int
    resource: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return it as it goes over HTTP."""
        if self.resource is None:
            return Response(status_code=self.status, headers=dict(self.headers))
        return answer(self.resource, self.status, dict(self.headers))


def said(request: Request) -> Said:
    """Return what a request's headers say; raises ``NotAcceptable`` unless JSON of FHIR 4.0 is wanted."""
    check_format(request)
    headers = request.headers
    return Said(
        preferences(request),
        headers.get("if-match"),
        headers.get("if-none-match"),
        headers.get("if-modified-since"),
        headers.get("if-none-exist"),
    )


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


def of_resource(said: Said, resource: Json, body: Json | None = None) -> Answer:
    """Return one resource with its version, or that it is what the client has (FHIR R4, 3.1.0.5.3)."""
    headers = version_headers(resource)
    if _is_known(said, resource.get("meta", {})):
        return Answer(304, None, headers)
    return Answer(200, resource if body is None else body, headers)


def _is_known(said: Said, known: Json) -> bool:
    """Say whether a client has this version; where it names one, when it had it does not matter (RFC 9110, 13.2.2).

    There are clients that send the version without its quotes.
    """
    if said.if_none_match is not None:
        named = {one.strip().removeprefix("W/").strip('"') for one in said.if_none_match.split(",")}
        return "*" in named or known.get("versionId") in named
    updated = known.get("lastUpdated")
    if said.if_modified_since is None or updated is None:
        return False
    try:
        since = parsedate_to_datetime(said.if_modified_since)
    except ValueError:
        return False  # as HTTP has it: what is no date is not said
    at = datetime.fromisoformat(updated).replace(microsecond=0)
    return since.tzinfo is not None and at <= since


def written(said: Said, resource: Json, *, created: bool) -> Answer:
    """Return the answer to a write: as much of it as the client prefers."""
    headers = version_headers(resource)
    status = 201 if created else 200
    if created:
        headers["Location"] = location(resource)
    match said.preferences.answer:
        case "minimal":
            return Answer(status, None, headers)
        case "OperationOutcome":
            return Answer(status, outcome(issue("information", "informational", "Done")), headers)
    return Answer(status, resource, headers)


def location(resource: Json) -> str:
    """Return the address of a resource, of this version where it tells one."""
    version = resource.get("meta", {}).get("versionId")
    history = f"/_history/{version}" if version else ""
    return f"{base_url()}/{resource['resourceType']}/{resource['id']}{history}"


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
