"""MedicationStatement: what a resident takes by their plan, and by whose word."""

import uuid
from typing import Final

from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.fhir.elements import Json, coding, filled, instant, meta, reference, resource, uuid_of
from app.fhir.registry import ID, LAST_UPDATED, Asked, Found, Parameter, Query, Resource
from app.fhir.resources.dosages import CODE, exact_codes, quantity
from app.fhir.resources.organization import ids_of
from app.fhir.resources.patient import of_patient
from eldercare import api
from eldercare.api import Drug, RegimenEntry, RegimenQuery

STATUS: Final = "http://hl7.org/fhir/CodeSystem/medication-statement-status"


def medication(drug: Drug) -> Json:
    """Return what is taken, in the words of whoever prescribed it; a code where one is known."""
    text = f"{drug.name} {drug.strength}" if drug.strength else drug.name
    return filled(coding=[coding(drug.system, drug.code)] if drug.system and drug.code else None, text=text)


def shown(of: RegimenEntry) -> Json:
    """Return a regimen: by the resident's own word, or by that of who is named."""
    own = reference("Patient", of.resident_id)
    prescription = of.prescription_id
    return resource(
        "MedicationStatement",
        of.id,
        meta=meta(of.version, of.updated_at),
        basedOn=[reference("MedicationRequest", prescription)] if prescription else None,
        status=of.status,
        medicationCodeableConcept=medication(of.drug),
        subject=own,
        effectivePeriod=_period(of),
        dateAsserted=instant(of.valid_from),
        informationSource=own if of.is_own_word else filled(display=of.author_name),
        dosage=[_dosage(of)],
    )


def _period(of: RegimenEntry) -> Json:
    stopped = of.stopped_at.date() if of.stopped_at else None
    end = min((day for day in (of.ends_on, stopped) if day), default=None)
    # What was stopped before it began has no end: it would lie before the start.
    return filled(
        start=of.starts_on.isoformat(), end=end.isoformat() if end is not None and end >= of.starts_on else None
    )


def _dosage(of: RegimenEntry) -> Json:
    most = of.daily_maximum
    repeat: Json = of.in_fhir.get("repeat", {})
    return filled(
        text=of.drug.instructions,
        timing=filled(code=of.in_fhir.get("code"), repeat=filled(**repeat)),
        asNeededBoolean=True if of.timing == "as_needed" else None,
        route={"text": of.drug.route} if of.drug.route else None,
        doseAndRate=[{"doseQuantity": quantity(float(of.quantity), of.unit)}],
        maxDosePerPeriod={"numerator": quantity(float(most), of.unit), "denominator": quantity(24, "h")}
        if most is not None
        else None,
    )


async def read(asked: Asked, key: str) -> Json:
    """Return a regimen; raises ``NotFound``, ``Forbidden`` without ``medication:read``."""
    regimen_id = uuid_of(key)
    if regimen_id is None:
        raise NotFound
    return shown(await api.read_regimen(asked.connection, asked.actor, regimen_id))


async def search(asked: Asked, query: Query) -> Found:
    """Return a page of a patient's regimens, the last first."""
    effective, updated = query.range("effective"), query.range("_lastUpdated")
    wanted = RegimenQuery(
        ids=ids_of(query.ids),
        statuses=query.codes("status", STATUS),
        codes=exact_codes(query),
        in_force_since=effective.since.date() if effective.since else None,
        in_force_before=effective.before.date() if effective.before else None,
        updated_since=updated.since,
        updated_before=updated.before,
    )

    async def find(resident_id: uuid.UUID, page: PageRequest) -> Found:
        found = await api.find_regimens(asked.connection, asked.actor, resident_id, wanted, page)
        return Found([shown(one) for one in found.items], found.next)

    return await of_patient(asked, query, api.residents_of_regimens, find)


MEDICATION_STATEMENT = Resource(
    type="MedicationStatement",
    documentation=(
        "What a patient takes by their plan, the last first: by their own word, or by that of whoever keeps the plan. "
        "What follows a prescription says so (basedOn)."
    ),
    parameters=(
        ID,
        LAST_UPDATED,
        Parameter("patient", "reference", "Whose; default: one's own", targets=("Patient",), elements=("subject",)),
        Parameter("subject", "reference", "Whose", targets=("Patient",), elements=("subject",)),
        Parameter("status", "token", "How it stands"),
        Parameter("effective", "date", "When it is taken"),
        CODE,
    ),
    search=search,
    own_read=read,
    mandatory=frozenset({"status", "medicationCodeableConcept", "subject"}),
    compartment="patient",
)
