"""The things a person can be allowed to see or do with a resident, and which roles bring which of them."""

from typing import Final

PROFILE_READ: Final = "profile:read"
PROFILE_MANAGE: Final = "profile:manage"
CONTACTS_READ: Final = "contacts:read"
CHECK_INS_READ: Final = "check_ins:read"
CHECK_INS_ANSWER: Final = "check_ins:answer"
CHECK_INS_MANAGE: Final = "check_ins:manage"
ALARMS_READ: Final = "alarms:read"
ALARMS_RAISE: Final = "alarms:raise"
ALARMS_RESPOND: Final = "alarms:respond"
CIRCLE_READ: Final = "circle:read"
CIRCLE_MANAGE: Final = "circle:manage"
GRANTS_MANAGE: Final = "grants:manage"
VITALS_READ: Final = "vitals:read"
VITALS_WRITE: Final = "vitals:write"
VITALS_MANAGE: Final = "vitals:manage"
LOCATION_READ: Final = "location:read"
LOCATION_WRITE: Final = "location:write"
ZONES_MANAGE: Final = "zones:manage"
MEDICATION_READ: Final = "medication:read"
MEDICATION_RECORD: Final = "medication:record"
MEDICATION_MANAGE: Final = "medication:manage"
APPOINTMENTS_MANAGE: Final = "appointments:manage"
HOME_ACTIVITY: Final = "home:activity"
HOME_READ: Final = "home:read"
HOME_CONTROL: Final = "home:control"
HOME_MANAGE: Final = "home:manage"
VISITS_READ: Final = "visits:read"
VISITS_MANAGE: Final = "visits:manage"
MESSAGES_READ: Final = "messages:read"
MESSAGES_WRITE: Final = "messages:write"
WELLBEING_READ: Final = "wellbeing:read"
WELLBEING_MANAGE: Final = "wellbeing:manage"
CONSULTATIONS_READ: Final = "consultations:read"
CONSULTATIONS_JOIN: Final = "consultations:join"
RECORDS_READ: Final = "records:read"
RECORDS_WRITE: Final = "records:write"
BILLS_READ: Final = "bills:read"
HOME_SERVICES_READ: Final = "home_services:read"
HOME_SERVICES_ORDER: Final = "home_services:order"
TRIPS_READ: Final = "trips:read"
TRIPS_JOIN: Final = "trips:join"

GRANTABLE: Final = frozenset(
    {
        PROFILE_READ,
        CONTACTS_READ,
        CHECK_INS_READ,
        CHECK_INS_ANSWER,
        CHECK_INS_MANAGE,
        ALARMS_READ,
        ALARMS_RAISE,
        ALARMS_RESPOND,
        CIRCLE_READ,
        CIRCLE_MANAGE,
        VITALS_READ,
        VITALS_WRITE,
        LOCATION_READ,
        LOCATION_WRITE,
        ZONES_MANAGE,
        MEDICATION_READ,
        MEDICATION_RECORD,
        MEDICATION_MANAGE,
        APPOINTMENTS_MANAGE,
        HOME_ACTIVITY,
        HOME_READ,
        HOME_CONTROL,
        HOME_MANAGE,
        VISITS_READ,
        VISITS_MANAGE,
        MESSAGES_READ,
        MESSAGES_WRITE,
        WELLBEING_READ,
        WELLBEING_MANAGE,
        CONSULTATIONS_READ,
        CONSULTATIONS_JOIN,
        RECORDS_READ,
        RECORDS_WRITE,
        BILLS_READ,
        HOME_SERVICES_READ,
        HOME_SERVICES_ORDER,
        TRIPS_READ,
        TRIPS_JOIN,
    }
)
"""What a resident can let somebody see or do. Managing grants itself stays with the resident (and operators)."""

PROXY: Final = GRANTABLE | {PROFILE_MANAGE, GRANTS_MANAGE}
"""What somebody can be let do who acts for the resident."""

ALL: Final = PROXY | {VITALS_MANAGE}
"""``vitals:manage`` (thresholds, early warning scores) is a clinician's: no resident can grant it to anybody else."""

_RESPONDING = frozenset(
    {
        PROFILE_READ,
        CONTACTS_READ,
        CHECK_INS_READ,
        CHECK_INS_ANSWER,
        ALARMS_READ,
        ALARMS_RAISE,
        ALARMS_RESPOND,
        CIRCLE_READ,
        VISITS_READ,
    }
)
_ARRANGING = _RESPONDING | {PROFILE_MANAGE, CHECK_INS_MANAGE, CIRCLE_MANAGE, VISITS_MANAGE}

# What goes on in a home hour by hour is nobody's by their role: it is the resident's to let somebody see.
# What a role may at most do. What it may do with one resident is this, cut down to the service agreement's scopes.
ROLE_SCOPES: Final[dict[str, frozenset[str]]] = {
    "operator": _ARRANGING | {GRANTS_MANAGE},
    "dispatcher": _RESPONDING,
    "coordinator": _ARRANGING
    | {VITALS_READ, VITALS_WRITE, MEDICATION_READ, MEDICATION_RECORD, MEDICATION_MANAGE}
    | {WELLBEING_READ, WELLBEING_MANAGE, APPOINTMENTS_MANAGE, BILLS_READ}
    | {HOME_ACTIVITY, HOME_CONTROL, HOME_MANAGE},
    "carer": _RESPONDING
    | {VITALS_READ, VITALS_WRITE, MEDICATION_READ, MEDICATION_RECORD, WELLBEING_READ, WELLBEING_MANAGE}
    | {HOME_ACTIVITY},
    "clinician": frozenset(
        {
            PROFILE_READ,
            CONTACTS_READ,
            VITALS_READ,
            VITALS_WRITE,
            VITALS_MANAGE,
            MEDICATION_READ,
            MEDICATION_MANAGE,
            APPOINTMENTS_MANAGE,
            CONSULTATIONS_READ,
            CONSULTATIONS_JOIN,
            RECORDS_READ,
            RECORDS_WRITE,
        }
    ),
    "worker": frozenset(),
}
"""Roles of members of organizations → the scopes the role can have at most."""

CLINICS_ALONE: Final = frozenset({RECORDS_READ, RECORDS_WRITE, BILLS_READ})
"""What only a clinic can be let see or do: no agency hears what is between a resident and their doctors."""

CLINIC_SYSTEMS: Final = CLINICS_ALONE | {CONSULTATIONS_READ}
"""What a clinic's own system may be let see or do beside that, as its clinicians may."""

MACHINE_SCOPES: Final = frozenset({LOCATION_WRITE})
"""What an organization's machine may be let do beside that: it brings something, and reads nothing."""

ORGANIZATION_KINDS: Final = ("operator", "care_agency", "clinic", "provider", "attraction")
