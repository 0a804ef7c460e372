"""What an Appointment that is sent here says: which slot, with whom, for which referral, and why it is called off."""

import uuid
from typing import Any

from app.fhir.elements import Json, local, uuid_of
from app.fhir.intake import instant_sent
from app.fhir.keys import ScheduleKey, SlotKey, read_slot
from app.fhir.problems import not_processable


def referral_of(document: Json) -> uuid.UUID | None:
    """Return the referral an appointment is for, if one is named."""
    given = document.get("basedOn", [])
    if not given:
        return None
    kind, _, key = local(given[0].get("reference", "")).partition("/")
    found = uuid_of(key) if kind == "ServiceRequest" and len(given) == 1 else None
    if found is None:
        raise not_processable("Appointment.basedOn", "one ServiceRequest of ours", "not-found")
    return found


def wanted_slot(document: Json) -> SlotKey:
    """Return which slot is meant: the one referred to, or the start with whom and for what the participants say."""
    start = instant_sent(document["start"], "Appointment.start") if "start" in document else None
    practitioner, service = actor_of(document, "Practitioner"), actor_of(document, "HealthcareService")
    slots = document.get("slot", [])
    if len(slots) > 1:
        raise not_processable("Appointment.slot", "one slot at a time", "not-supported")
    if not slots or (start is not None and document.get("id")):
        # In an update it is the start that moves: the slot is the one it was in.
        if slots and (practitioner is None or service is None):
            known = _slot(slots[0])
            practitioner, service = practitioner or known.schedule[0], service or known.schedule[1]
        if start is None or practitioner is None or service is None:
            raise not_processable(
                "Appointment.slot", "a Slot, or start with a Practitioner and a HealthcareService", "required"
            )
        return SlotKey(ScheduleKey(practitioner, service), start)
    known = _slot(slots[0])
    for name, said, is_so in (
        ("start", start, known.starts_at),
        ("participant", practitioner, known.schedule.practitioner_id),
        ("participant", service, known.schedule.visit_type_id),
    ):
        if said not in (None, is_so):
            raise not_processable(f"Appointment.{name}", "the slot is another one's")
    return known


def _slot(given: Json) -> SlotKey:
    kind, _, key = local(given.get("reference", "")).partition("/")
    known = read_slot(key)
    if kind != "Slot" or known is None:
        raise not_processable("Appointment.slot[0].reference", "there is no such Slot here", "not-found")
    return known


def actor_of(document: Json, kind: str) -> uuid.UUID | None:
    """Return who of a kind takes part; raises ``NotProcessable`` where several do, or nobody of ours."""
    found: uuid.UUID | None = None
    for index, participant in enumerate(document.get("participant", [])):
        named, _, key = local(participant.get("actor", {}).get("reference", "")).partition("/")
        if named != kind:
            continue
        path = f"Appointment.participant[{index}].actor"
        if found is not None:
            raise not_processable(path, f"one {kind} takes part", "not-supported")
        found = uuid_of(key)
        if found is None:
            raise not_processable(path, f"there is no such {kind} here", "not-found")
    return found


def reason_of(document: Json) -> str | None:
    reason: Any = document.get("cancelationReason", {})
    codings = [said.get("display") for said in reason.get("coding", [])]
    text = reason.get("text") or next((said for said in codings if said), None)
    if text is not None and len(text) > 1000:
        raise not_processable("Appointment.cancelationReason.text", "at most 1000 characters", "value")
    return text.strip() or None if text else None
