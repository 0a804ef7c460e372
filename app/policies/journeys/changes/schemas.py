"""What an app is told when it asks what changed."""

import uuid
from typing import Literal

from pydantic import BaseModel, Field

from app.identity.api import ContactPointPublic, GrantPublic
from eldercare.api import (
    AlarmPublic,
    CheckInPlanPublic,
    CheckInPublic,
    CircleMemberPublic,
    DosePublic,
    PausePublic,
    VisitPublic,
)
from notifications.api import InboxItemPublic
from telemedicine.api import (
    AppointmentPublic,
    ConsultationPublic,
    HealthRecordPublic,
    ReferralPublic,
    TicketPublic,
    WaitlistPublic,
)

Kind = Literal[
    "check_ins",
    "alarms",
    "doses",
    "visits",
    "appointments",
    "consultations",
    "health_records",
    "referrals",
    "inbox",
    "check_ins_ahead",
    "doses_ahead",
    "visits_ahead",
    "check_in_plans",
    "check_in_pauses",
    "circle",
    "grants",
    "contact_points",
    "waitlist_entries",
    "queue_tickets",
]


class Changes(BaseModel):
    """What changed since the app last asked.

    Of what there is much of (`check_ins`, `alarms`, `doses`, `visits`, `appointments`, `consultations`,
    `health_records`, `referrals`, `inbox`) the rows that changed; an app forgets by itself what is older than 90 days,
    but keeps health records. Of the rest everything there is, whenever any of it changed; null means that it did not.
    """

    next: str = Field(description="the `since` of the next request")
    has_more: bool = Field(description="there is more: ask again at once")
    is_fresh_start: bool = Field(description="this begins anew: forget everything you hold")
    kinds: list[Kind] = Field(description="what you may see of this person; forget what you hold of the others")
    check_ins: list[CheckInPublic] = []
    alarms: list[AlarmPublic] = []
    doses: list[DosePublic] = []
    visits: list[VisitPublic] = []
    appointments: list[AppointmentPublic] = []
    consultations: list[ConsultationPublic] = []
    health_records: list[HealthRecordPublic] = []
    referrals: list[ReferralPublic] = []
    inbox: list[InboxItemPublic] = []
    check_ins_ahead: list[uuid.UUID] | None = Field(
        default=None, description="every check-in that lies ahead: forget others you hold as scheduled"
    )
    doses_ahead: list[uuid.UUID] | None = Field(
        default=None, description="every dose that lies ahead: forget others you hold as scheduled"
    )
    visits_ahead: list[uuid.UUID] | None = Field(
        default=None, description="every visit that is agreed and lies ahead: forget others you hold as ahead"
    )
    check_in_plans: list[CheckInPlanPublic] | None = None
    check_in_pauses: list[PausePublic] | None = Field(default=None, description="the latest hundred")
    circle: list[CircleMemberPublic] | None = None
    grants: list[GrantPublic] | None = Field(default=None, description="those that have not ended")
    contact_points: list[ContactPointPublic] | None = None
    waitlist_entries: list[WaitlistPublic] | None = Field(default=None, description="what they wait for")
    queue_tickets: list[TicketPublic] | None = Field(default=None, description="today's numbers that are not done with")
