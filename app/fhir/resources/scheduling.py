"""``Appointment/$find``, ``$hold`` and ``$book`` as IHE ITI Scheduling has them (ITI-115, ITI-116, ITI-117)."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from app.core.database import reading
from app.core.problems import NotFound
from app.core.routing import Reading, Session, route_options
from app.core.wall_time import zone
from app.fhir import negotiation
from app.fhir.access import Integrator, require
from app.fhir.bundles import entry, searchset
from app.fhir.elements import SPECIALTY, VISIT_TYPE, Json, local, uuid_of
from app.fhir.includes import Included
from app.fhir.intake import sent, sent_parameters
from app.fhir.keys import read_proposal
from app.fhir.narrowing import narrowed
from app.fhir.problems import bad_parameter, not_processable
from app.fhir.registry import Asked, Found, Parameter, Query, Resource
from app.fhir.resources.appointment import APPOINTMENT, proposed, shown, slot_of
from app.fhir.resources.organization import ids_of
from app.fhir.searching import understand
from app.identity.api import community
from telemedicine import api

_HOME: Final = "https://profiles.ihe.net/ITI/Scheduling/OperationDefinition/appointment-"
DEFINITIONS: Final = {name: f"{_HOME}{name}" for name in ("find", "hold", "book")}


async def _find(asked: Asked, query: Query) -> Found:
    """Return what could be booked for a patient."""
    patient_id = _patient(asked, query)
    await api.check_bookable(asked.connection, asked.actor, patient_id)
    start = query.range("start")
    specialties, services = query.codes("specialty", SPECIALTY), query.codes("visit-type", VISIT_TYPE)
    practitioners = ids_of(query.keys("practitioner", "Practitioner"))
    if set() in (specialties, services) or practitioners == []:
        return Found([])
    wanted = api.slot_query(
        asked.actor,
        visit_type_id=_one("visit-type", ids_of(services)),
        practitioner_id=_one("practitioner", practitioners),
        specialty=_one("specialty", specialties),
        organization_ids=ids_of(query.keys("organization", "Organization")),
    )
    page = await api.free_slots(asked.connection, wanted, query.page, start.since, query.range("end").before)
    return Found([proposed(one, patient_id) for one in page.items], page.next)


def _patient(asked: Asked, query: Query) -> uuid.UUID:
    named = query.keys("patient-reference", "Patient")
    if named is None and asked.actor.resident_id is not None:
        return asked.actor.resident_id
    if not named:
        raise bad_parameter("patient-reference", "for whom: Patient/id", "required")
    if len(named) > 1:
        raise bad_parameter("patient-reference", "one patient at a time", "not-supported")
    found = uuid_of(next(iter(named)))
    if found is None:
        raise NotFound
    return found


def _one(parameter: str, wanted: Any) -> Any:
    if wanted is not None and len(wanted) > 1:
        raise bad_parameter(parameter, "one at a time", "not-supported")
    return next(iter(wanted)) if wanted else None


_DECLARED: Final = Resource(
    type="Appointment",
    documentation="What could be booked, as proposed appointments.",
    parameters=(
        Parameter("start", "date", "From when on"),
        Parameter("end", "date", "Until when"),
        Parameter("specialty", "token", f"A specialty ({SPECIALTY})"),
        Parameter("visit-type", "token", f"What is to be booked ({VISIT_TYPE})"),
        Parameter("practitioner", "reference", "With whom", targets=("Practitioner",)),
        Parameter("organization", "reference", "At which clinic", targets=("Organization",)),
        Parameter("patient-reference", "reference", "For whom; default: oneself", targets=("Patient",)),
    ),
    search=_find,
    mandatory=APPOINTMENT.mandatory,
    compartment="patient-reference",
)
FIND: Final = narrowed(_DECLARED)


async def _answer(request: Request, asked: Asked, pairs: Sequence[tuple[str, str]]) -> Response:
    negotiation.check_format(request)
    given = [_bounded(name, value) for name, value in pairs]
    if not any(name == "start" for name, _ in given):
        raise bad_parameter("start", "from when on", "required")
    on_wall = zone((await community(asked.connection, asked.actor.community_id)).time_zone)
    handling = negotiation.preferences(request).handling
    wanted = understand(FIND, given, handling=handling, zone=on_wall, served={})
    wanted.used = [pair for pair in pairs if pair[0] != "_cursor" and pair[0] not in wanted.ignored]
    found = await FIND.search(asked, wanted.query)
    return negotiation.answer(searchset(FIND, wanted, found, Included(), "/$find"))


def _bounded(name: str, value: str) -> tuple[str, str]:
    """Return ``start`` and ``end`` as what they bound: they are times, and no searches for them."""
    return name, {"start": f"ge{value}", "end": f"le{value}"}.get(name, value)


async def find(request: Request, actor: Integrator, connection: Reading) -> Response:
    """Find what could be booked (ITI-115)."""
    return await _answer(request, Asked(actor, connection), request.query_params.multi_items())


@route_options(database=False)
async def find_posted(request: Request, actor: Integrator) -> Response:
    """Find what could be booked, asked for in a Parameters resource."""
    pairs = [*request.query_params.multi_items(), *await sent_parameters(request)]
    async with reading() as connection:
        return await _answer(request, Asked(actor, connection), pairs)


async def hold(request: Request, actor: Integrator, session: Session) -> Response:
    """Hold a proposed appointment for five minutes (ITI-116)."""
    return await _take(request, Asked(actor, await session.connection(), session), confirmed=False)


async def book(request: Request, actor: Integrator, session: Session) -> Response:
    """Book a proposed appointment, or one that is held (ITI-117)."""
    return await _take(request, Asked(actor, await session.connection(), session), confirmed=True)


async def _take(request: Request, asked: Asked, *, confirmed: bool) -> Response:
    negotiation.check_format(request)
    key = _appointment_of(await sent(request, "Parameters"))
    proposal = read_proposal(key)
    within = require(asked.actor, "Appointment", "u" if proposal is None else "c")
    if proposal is not None:
        if within.patient not in (None, proposal.patient_id):
            raise NotFound
        known = await slot_of(asked, proposal)
        made = await api.book_appointment(
            asked.writing,
            asked.actor,
            resident_id=proposal.patient_id,
            practitioner_id=known.schedule.practitioner_id,
            visit_type_id=known.schedule.visit_type_id,
            starts_at=known.starts_at,
            confirmed=confirmed,
        )
        return negotiation.answer(_alone(shown(made)))
    appointment_id = uuid_of(key)
    if appointment_id is None:
        raise NotFound
    if not confirmed:
        raise not_processable("Parameters.parameter[0].valueReference", "what is held is a proposed appointment")
    if within.patient is not None:
        held = await api.appointment(asked.connection, asked.actor, appointment_id)
        if held.resident_id != within.patient:
            raise NotFound
    made = await api.confirm_appointment(asked.writing, asked.actor, appointment_id)
    return negotiation.answer(_alone(shown(made)))


def _alone(resource: Json) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [entry(resource, "match")]}


def _appointment_of(given: Json) -> str:
    named = [one for one in given.get("parameter", []) if one["name"] == "appointment-reference"]
    if len(named) != 1:
        raise not_processable("Parameters.parameter", "one appointment-reference", "required")
    kind, _, key = local(named[0].get("valueReference", {}).get("reference", "")).partition("/")
    if kind != "Appointment" or not key:
        raise not_processable("Parameters.parameter.valueReference", "a reference to an Appointment of ours", "value")
    return key


OPERATIONS: Final[tuple[tuple[str, str, Callable[..., Any]], ...]] = (
    ("$find", "GET", find),
    ("$find", "POST", find_posted),
    ("$hold", "POST", hold),
    ("$book", "POST", book),
)
