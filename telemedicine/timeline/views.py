"""Where the items of telemedicine's kinds are, each the latest of an index by resident and instant."""

from typing import Final

from app.core.timelines import Branch, Part, columns
from telemedicine.appointments.models import CHANGES
from telemedicine.consultations.models import CONSULTATIONS, NOTES
from telemedicine.referrals.models import CHANGES as REFERRAL_CHANGES
from telemedicine.timeline.rules import SCOPE_OF, tell

BRANCHES: Final = (
    Branch(
        "appointment_changed",
        1,
        CHANGES,
        "created_at",
        columns(CHANGES, "appointment_id", "news", "starts_at", "practitioner_id", "changed_by"),
        "news IS NOT NULL",
    ),
    Branch(
        "consultation_ended",
        1,
        CONSULTATIONS,
        "ended_at",
        columns(CONSULTATIONS, "organization_id", "clinician_id", "appointment_id", "started_at"),
        "state = 'ended' AND started_at IS NOT NULL",
    ),
    Branch(
        "consultation_note_signed",
        1,
        NOTES,
        "signed_at",
        columns(NOTES, "consultation_id", "author_id"),
        "kind = 'soap' AND signed_at IS NOT NULL",
    ),
    Branch(
        "referral_changed",
        1,
        REFERRAL_CHANGES,
        "created_at",
        columns(REFERRAL_CHANGES, "referral_id", "state", "organization_id", "appointment_id", "changed_by"),
        "sent_at IS NOT NULL",
    ),
)
PART: Final = Part(
    scope_of=SCOPE_OF,
    pages=[branch.page() for branch in BRANCHES],
    written=[branch.written() for branch in BRANCHES],
    shown=lambda _, stored: dict(stored),
    tell=tell,
)
"""What telemedicine has in a timeline."""
