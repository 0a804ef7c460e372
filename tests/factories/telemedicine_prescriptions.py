"""Prescriptions and requests for them again, really committed."""

import uuid
from typing import Any

import orjson

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Organization, Resident
from telemedicine.prescriptions.models import CONTENT, Prescription, Renewal

AMOXICILLIN: dict[str, Any] = {
    "medication": {
        "coding": {"system": "http://www.whocc.no/atc", "code": "J01CA04"},
        "text": "Amoxicillin 500 mg, the Wisteria brand",
    },
    "ingredients": [{"system": "http://snomed.info/sct", "code": "764146007"}],
    "dosage": "1 capsule every 8 hours for 7 days",
    "dispense": {"value": 21, "unit": "{capsule}"},
}


async def prescription(of: Resident, clinic: Organization, by: Account, **values: Any) -> Prescription:
    """Insert a prescription that is signed."""
    defaults: dict[str, Any] = {
        "status": "active",
        "signed_at": clock.now(),
        "signed_by": by.id,
        "licence_number": "L-1",
    }
    row = Prescription(
        community_id=of.community_id,
        resident_id=of.id,
        organization_id=clinic.id,
        author_id=by.id,
        content=seal(orjson.dumps(AMOXICILLIN).decode(), CONTENT),
        **defaults | values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def renewal(of: Prescription, by: uuid.UUID) -> uuid.UUID:
    """Insert a request for a prescription again; return its id."""
    row = Renewal(
        community_id=of.community_id,
        resident_id=of.resident_id,
        organization_id=of.organization_id,
        prescription_id=of.id,
        requested_by=by,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row.id
