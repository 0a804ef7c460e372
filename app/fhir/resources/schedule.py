"""Schedule and Slot: who can be booked for what, and when. Neither is stored, both are worked out."""

from collections.abc import Collection
from typing import Any

from app.core.problems import NotFound
from app.fhir.elements import SPECIALTY, VISIT_TYPE, Json, concept, instant, reference, resource, time_zone
from app.fhir.keys import ScheduleKey, SlotKey, read_schedule, read_slot, schedule_id, slot_id
from app.fhir.problems import bad_parameter
from app.fhir.registry import ID, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.organization import ids_of
from telemedicine.api import ScheduleEntry, SlotPublic, free_slots, schedules, slot, slot_query


def shown(entry: ScheduleEntry) -> Json:
    """Return who can be booked for what."""
    of = entry.visit_type
    return resource(
        "Schedule",
        schedule_id(ScheduleKey(entry.id, of.id)),
        active=True,
        serviceType=[concept(VISIT_TYPE, of.id, of.name)],
        specialty=[concept(SPECIALTY, code) for code in entry.specialties],
        actor=[
            reference("Practitioner", entry.id, entry.name),
            reference("PractitionerRole", entry.id),
            reference("HealthcareService", of.id, of.name.get("en")),
        ],
        planningHorizon={"end": instant(entry.bookable_until)},
    )


def key_of(of: SlotPublic) -> SlotKey:
    """Return what a slot is known by."""
    return SlotKey(ScheduleKey(of.practitioner.id, of.visit_type.id), of.starts_at)


def slot_shown(of: SlotPublic, *, is_free: bool = True) -> Json:
    """Return a time that can be booked, or could be if it were free."""
    key = key_of(of)
    return resource(
        "Slot",
        slot_id(key),
        extension=[time_zone(of.time_zone)],
        serviceType=[concept(VISIT_TYPE, of.visit_type.id, of.visit_type.name)],
        specialty=[concept(SPECIALTY, code) for code in of.practitioner.specialties],
        schedule=reference("Schedule", schedule_id(key.schedule)),
        status="free" if is_free else "busy",
        start=instant(of.starts_at),
        end=instant(of.ends_at),
    )


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of who can be booked for what."""
    pairs = _schedules(query.ids)
    practitioners = [query.keys("actor", kind) for kind in ("Practitioner", "PractitionerRole")]
    named = ids_of(_meeting(*practitioners))
    services = _meeting(query.keys("actor", "HealthcareService"), query.codes("service-type", VISIT_TYPE))
    specialties = query.codes("specialty", SPECIALTY)
    if specialties == set():
        return Found([])
    wanted = slot_query(asked.actor, pairs=pairs, specialty=_one("specialty", specialties))
    page = await schedules(
        asked.connection, wanted, query.page, practitioner_ids=named, visit_type_ids=ids_of(services)
    )
    return Found([shown(entry) for entry in page.items], page.next)


async def search_slots(asked: Asked, query: Query) -> Found:
    """Return a page of the free times, the earliest first; what is not free is not found."""
    statuses = query.codes("status", "http://hl7.org/fhir/slotstatus")
    if statuses is not None and "free" not in statuses:
        return Found([])
    if query.ids is not None:
        return Found([one for key in sorted(query.ids) if (one := await _known(asked, key))])
    services, specialties = ids_of(query.codes("service-type", VISIT_TYPE)), query.codes("specialty", SPECIALTY)
    if services == [] or specialties == set():
        return Found([])
    start = query.range("start")
    wanted = slot_query(
        asked.actor,
        pairs=_schedules(query.keys("schedule", "Schedule")),
        visit_type_id=_one("service-type", services),
        specialty=_one("specialty", specialties),
    )
    page = await free_slots(asked.connection, wanted, query.page, start.since, start.before)
    return Found([slot_shown(one) for one in page.items], page.next)


async def read_one_slot(asked: Asked, key: str) -> Json:
    """Return a slot, free or taken; raises ``NotFound`` where nobody is there at that time."""
    known = read_slot(key)
    if known is None:
        raise NotFound
    of, is_free = await slot(asked.connection, slot_query(asked.actor, pairs=[known.schedule]), known.starts_at)
    return slot_shown(of, is_free=is_free)


async def _known(asked: Asked, key: str) -> Json | None:
    try:
        return await read_one_slot(asked, key)
    except NotFound:
        return None


def _schedules(keys: Collection[str] | None) -> list[ScheduleKey] | None:
    return None if keys is None else [found for key in sorted(keys) if (found := read_schedule(key))]


def _meeting(*wanted: set[str] | None) -> set[str] | None:
    """Return what is in all that was asked for; ``None`` if nothing was."""
    given = [one for one in wanted if one is not None]
    return set.intersection(*given) if given else None


def _one(parameter: str, values: Any) -> Any:
    if values is not None and len(values) > 1:
        raise bad_parameter(parameter, "one at a time", "not-supported")
    return next(iter(values), None) if values is not None else None


SCHEDULE = Resource(
    type="Schedule",
    documentation="Each practitioner with each HealthcareService they can be booked for now.",
    parameters=(
        ID,
        Parameter(
            "actor",
            "reference",
            "Who or what is booked; several of different kinds are all wanted",
            targets=("Practitioner", "PractitionerRole", "HealthcareService"),
            elements=("actor",),
            many=True,
        ),
        Parameter("service-type", "token", f"What can be booked ({VISIT_TYPE})"),
        Parameter("specialty", "token", f"A specialty of the practitioner's ({SPECIALTY})"),
    ),
    search=search,
    mandatory=frozenset({"active", "actor"}),
)

SLOT = Resource(
    type="Slot",
    documentation="Times that can be booked, the earliest first. A taken one can be read; searching does not find it.",
    parameters=(
        ID,
        Parameter(
            "schedule", "reference", "Of which schedule", targets=("Schedule",), elements=("schedule",), many=True
        ),
        Parameter("start", "date", "When it begins"),
        Parameter("status", "token", "free: others are not found"),
        Parameter("service-type", "token", f"What can be booked ({VISIT_TYPE})"),
        Parameter("specialty", "token", f"A specialty of the practitioner's ({SPECIALTY})"),
    ),
    search=search_slots,
    own_read=read_one_slot,
    mandatory=frozenset({"schedule", "status", "start", "end"}),
)
