"""What about people is sealed, under which name, and how it is found again without being opened."""

from typing import Final

from app.core.sealing import blind_index
from app.identity.people.rules import index_kind

CONTACT_VALUE: Final = "identity_contact_point.value"
ADDRESS: Final = "identity_household.address"
EMERGENCY_NOTES: Final = "identity_resident.emergency_notes"
NATIONAL_ID: Final = "identity_resident.national_id"


def contact_index(value: str) -> bytes:
    """Return the blind index under which a normalized number or mail address is looked up."""
    return blind_index(index_kind(value), value)


def national_id_index(value: str) -> bytes:
    """Return the blind index under which a national id is looked up, however it is spaced."""
    return blind_index("national_id", "".join(value.split()).upper())
