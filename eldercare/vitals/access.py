"""Who may do what a clinician does: set limits, read early warning scores."""

from fastapi import Request

from app.identity.api import ResidentSubject, resident_guard
from eldercare.vitals.problems import ForClinicians

_guard = resident_guard("vitals:manage")


async def clinician_guard(request: Request) -> ResidentSubject:
    """Return the resident if the one who asks looks after them as a clinician; the resident themselves do not.

    Answers 401 to nobody, 404 where they may not know the resident, 403 without ``vitals:manage`` from a membership.
    """
    subject = await _guard(request)
    if subject.relation != "staff":
        raise ForClinicians
    return subject


clinician_guard.scope = "vitals:manage"  # type: ignore[attr-defined]  # read by the access matrix test
