"""The SQL that writes people; what is sealed is sealed here and under one name each."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.core.sealing import blind_index, seal
from app.identity.models import ContactPoint
from app.identity.people.rules import index_kind

CONTACT_VALUE: Final = "identity_contact_point.value"
ADDRESS: Final = "identity_household.address"
EMERGENCY_NOTES: Final = "identity_resident.emergency_notes"
NATIONAL_ID: Final = "identity_resident.national_id"


def new_contact_point(
    account_id: uuid.UUID,
    kind: str,
    value: str,
    capabilities: Sequence[str],
    *,
    position: int = 0,
    verified_at: datetime | None = None,
) -> ContactPoint:
    """Return a contact point for a normalized value (E.164 or mail), sealed and with its blind index."""
    return ContactPoint(
        account_id=account_id,
        kind=kind,
        value=seal(value, CONTACT_VALUE),
        value_index=contact_index(value),
        capabilities=sorted(set(capabilities)),
        position=position,
        verified_at=verified_at,
    )


def contact_index(value: str) -> bytes:
    """Return the blind index under which a normalized value is looked up."""
    return blind_index(index_kind(value), value)
