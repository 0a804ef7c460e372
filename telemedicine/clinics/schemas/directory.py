"""What the clinics' own systems read of the community's clinics: as everybody sees it, with when it last changed."""

from datetime import datetime

from telemedicine.clinics.schemas.clinics import ClinicPublic, LocationPublic, PractitionerPublic, VisitTypePublic


class ClinicEntry(ClinicPublic):
    """A clinic."""

    updated_at: datetime


class LocationEntry(LocationPublic):
    """A place at which people are seen."""

    updated_at: datetime


class PractitionerEntry(PractitionerPublic):
    """Somebody who sees people for a clinic."""

    is_active: bool
    version: int
    updated_at: datetime


class VisitTypeEntry(VisitTypePublic):
    """What can be booked at a clinic."""

    updated_at: datetime


class ScheduleEntry(PractitionerPublic):
    """A practitioner with something that can be booked of them, and until when it can be booked now."""

    visit_type: VisitTypePublic
    bookable_until: datetime
