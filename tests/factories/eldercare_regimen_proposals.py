"""Proposals of regimens, really committed."""

from typing import Any

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from eldercare.regimen_proposals.models import PRESCRIBED, RegimenProposal
from eldercare.regimen_proposals.schemas import Prescribed
from telemedicine.prescriptions.models import Prescription

SAID = Prescribed(name="Amoxicillin 500 mg, the Wisteria brand", dosage="1 capsule every 8 hours for 7 days")


async def proposal(of: Prescription, **values: Any) -> RegimenProposal:
    """Insert a proposal that waits to be answered."""
    row = RegimenProposal(
        community_id=of.community_id,
        resident_id=of.resident_id,
        prescription_id=of.id,
        prescription_version=of.version,
        prescribed=seal(SAID.model_dump_json(), PRESCRIBED),
        next_step_at=clock.now(),
        **values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row
