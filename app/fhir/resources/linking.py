"""``Patient/$hearthline-link`` and its OperationDefinition; ``Patient/$match`` is refused: nobody is found by name."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from app.core.routing import route_options
from app.fhir import negotiation
from app.fhir.access import Integrator, insufficient, require
from app.fhir.elements import Json, base_url, local, reference, uuid_of
from app.fhir.intake import sent
from app.fhir.problems import NotMatched, not_processable
from app.fhir.registry import ID, Asked, Found, Parameter, Query, Resource
from telemedicine import api

_ID: Final = "hearthline-link"
_PATHS: Final = {
    "system": "Parameters.parameter.valueIdentifier.system",
    "value": "Parameters.parameter.valueIdentifier.value",
    "code": "Parameters.parameter.valueString",
}


def definition() -> Json:
    """Return what the operation takes and answers."""
    return {
        "resourceType": "OperationDefinition",
        "id": _ID,
        "url": f"{base_url()}/OperationDefinition/{_ID}",
        "name": "HearthlineLink",
        "title": "Link a clinic's own patient number to a resident",
        "status": "active",
        "kind": "operation",
        "description": (
            "The resident, or somebody they trust with it, reads out a code from their app: nine digits, good once, "
            "for ten minutes. Given with it, the clinic's own number is theirs from then on, and Patient.identifier "
            "shows it to the clinic alone. The same once more changes nothing. A wrong code is answered alike whatever "
            "is wrong with it; after ten within an hour no code is looked at for a while (429). A number of somebody "
            "else's is refused (409) once the code is right. Nobody is found by name and birth date."
        ),
        "affectsState": True,
        "code": _ID,
        "resource": ["Patient"],
        "system": False,
        "type": True,
        "instance": False,
        "parameter": [
            _parameter("identifier", "in", "Identifier", "The clinic's number: its system (an absolute URI) and value"),
            _parameter("code", "in", "string", "What the resident reads out; spaces and hyphens do not matter"),
            _parameter("organization", "in", "Reference", "The clinic, for who works at several", least=0),
            _parameter("patient", "out", "Reference", "The resident"),
        ],
    }


def _parameter(name: str, use: str, kind: str, documentation: str, least: int = 1) -> Json:
    return {"name": name, "use": use, "min": least, "max": "1", "documentation": documentation, "type": kind}


@route_options(database=False, idempotency=False)
async def link(request: Request, actor: Integrator) -> Response:
    """Link a clinic's own number to the resident whose code it is.

    Raises ``InsufficientScope`` also for an app about one patient: whose code it is, is not known before it is used up.
    Raises ``NotProcessable``, and the api's.
    """
    negotiation.check_format(request)
    if require(actor, "Patient", "u").patient is not None:
        raise insufficient(actor, "Patient", "u")
    given = _given(await sent(request, "Parameters"))
    number = given.get("identifier", {}).get("valueIdentifier", {})
    try:
        wanted = api.LinkByCode.model_validate(
            {
                "system": number.get("system"),
                "value": number.get("value"),
                "code": given.get("code", {}).get("valueString"),
            }
        )
    except ValidationError as refusal:
        first = refusal.errors()[0]
        raise not_processable(_PATHS[str(first["loc"][0])], first["msg"], "value") from None
    clinics = api.clinics_of(actor)
    if "organization" in given:
        named = local(given["organization"].get("valueReference", {}).get("reference", ""))
        clinics = [found] if (found := uuid_of(named.removeprefix("Organization/"))) in clinics else []
    if len(clinics) != 1:
        raise not_processable("Parameters.parameter", "organization: the clinic whose number it is", "required")
    made = await api.link_by_code(actor, clinics[0], wanted)
    answer = {"name": "patient", "valueReference": reference("Patient", made.resident_id)}
    return negotiation.answer({"resourceType": "Parameters", "parameter": [answer]})


def _given(document: Json) -> dict[str, Json]:
    """Return the parameters by name; raises ``NotProcessable`` for one that is unknown, or twice there."""
    found: dict[str, Json] = {}
    for place, one in enumerate(document.get("parameter", [])):
        if one["name"] not in ("identifier", "code", "organization") or one["name"] in found:
            raise not_processable(f"Parameters.parameter[{place}]", "identifier and code, each once", "not-supported")
        found[one["name"]] = one
    return found


@route_options(database=False, idempotency=False, any_body=True)
async def match(actor: Integrator) -> Response:  # noqa: ARG001 - it guards
    """Refuse to look for somebody by what others know of them, too."""
    raise NotMatched


async def _search(asked: Asked, query: Query) -> Found:  # noqa: ARG001 - what is served is the same for everybody
    """Return the definition of the operation, which is the one there is."""
    is_meant = (query.ids is None or _ID in query.ids) and query.codes("code", "") in (None, {_ID})
    return Found([definition()] if is_meant else [])


OPERATION_DEFINITION: Final = Resource(
    type="OperationDefinition",
    documentation="The operation of Hearthline's own.",
    parameters=(ID, Parameter("code", "token", "What it is called in an address")),
    search=_search,
    mandatory=frozenset({"name", "status", "kind", "code", "system", "type", "instance"}),
)
OPERATIONS: Final[tuple[tuple[str, str, Callable[..., Any]], ...]] = (
    (f"${_ID}", "POST", link),
    ("$match", "POST", match),
)
