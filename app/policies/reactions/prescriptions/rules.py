"""A prescription as whoever keeps the medication plan needs it."""

from eldercare import api as eldercare
from telemedicine import api as telemedicine


def followed(found: telemedicine.PrescriptionStanding) -> eldercare.Prescription:
    """Return what the medication plan follows of a prescription; nothing of why it was prescribed."""
    content = found.content
    coding, text = content.medication.coding, content.medication.text
    return eldercare.Prescription(
        id=found.id,
        version=found.version,
        community_id=found.community_id,
        resident_id=found.resident_id,
        standing=_standing(found),
        is_urgent=content.priority != "routine",
        says=eldercare.Prescribed(
            name=text or (coding and (coding.display or coding.code)) or "",
            system=coding.system if coding else None,
            code=coding.code if coding else None,
            dosage=content.dosage,
            timing=eldercare.PrescribedTiming(**content.timing.model_dump()) if content.timing else None,
            dose=eldercare.PrescribedDose(**content.dose.model_dump()) if content.dose else None,
            starts_on=content.starts_on,
            valid_until=content.valid_until,
            prescriber=found.signer_name,
        ),
        last_day=found.taken_until if found.status == "completed" else None,
        replaces=found.replaces,
    )


def _standing(found: telemedicine.PrescriptionStanding) -> eldercare.PrescriptionStanding:
    """Say how a prescription stands: of what was completed, people have something to take until it is used up."""
    if found.is_replaced:
        return "replaced"
    if found.status == "active" or (found.status == "completed" and found.taken_until is not None):
        return "in_force"
    return "ended"
