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
LOCATION_READ: Final = "location:read"
LOCATION_WRITE: Final = "location:write"
ZONES_MANAGE: Final = "zones:manage"
MEDICATION_READ: Final = "medication:read"
MEDICATION_MANAGE: Final = "medication:manage"
APPOINTMENTS_MANAGE: Final = "appointments:manage"
HOME_CONTROL: Final = "home:control"

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
        LOCATION_READ,
        LOCATION_WRITE,
        ZONES_MANAGE,
        MEDICATION_READ,
        MEDICATION_MANAGE,
        APPOINTMENTS_MANAGE,
        HOME_CONTROL,
    }
)
"""What a resident can let somebody see or do. Managing grants itself stays with the resident (and operators)."""

ALL: Final = GRANTABLE | {PROFILE_MANAGE, GRANTS_MANAGE}

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
    }
)
_ARRANGING = _RESPONDING | {PROFILE_MANAGE, CHECK_INS_MANAGE, CIRCLE_MANAGE}

# What a role may at most do. What it may do with one resident is this, cut down to the service agreement's scopes.
ROLE_SCOPES: Final[dict[str, frozenset[str]]] = {
    "operator": _ARRANGING | {GRANTS_MANAGE},
    "dispatcher": _RESPONDING,
    "coordinator": _ARRANGING | {VITALS_READ, MEDICATION_READ, MEDICATION_MANAGE},
    "carer": _RESPONDING | {VITALS_READ, MEDICATION_READ},
    "clinician": frozenset(
        {PROFILE_READ, CONTACTS_READ, VITALS_READ, MEDICATION_READ, MEDICATION_MANAGE, APPOINTMENTS_MANAGE}
    ),
    "worker": frozenset(),
}
"""Roles of members of organizations → the scopes the role can have at most."""

ORGANIZATION_KINDS: Final = ("operator", "care_agency", "clinic", "provider", "attraction")
