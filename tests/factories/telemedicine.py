"""Video visits, really committed: a clinic, its clinician, a resident, and the visit they have."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.core.access import Actor, Membership
from app.core.database import unit_of_work
from app.identity.models import Account, Community, Organization, Resident
from app.identity.scopes import CONSULTATIONS_JOIN, CONSULTATIONS_READ
from telemedicine.api import ConsultationDetail, ConsultationOpen, open_consultation
from tests.factories import identity

BOTH = (CONSULTATIONS_READ, CONSULTATIONS_JOIN)


@dataclass(frozen=True, slots=True)
class Scene:
    """A resident whom a clinic looks after, and the clinician who sees them."""

    place: Community
    resident: Resident
    account: Account
    clinic: Organization
    clinician: Account


async def scene(*, resident: str = "Grace", clinician: str = "Edith") -> Scene:
    """Insert a community with a resident, a clinic that serves them, and its clinician."""
    place = await identity.community()
    person = await identity.account(place, name=resident)
    lives = await identity.resident(place, person=person)
    clinic = await identity.organization(place, "clinic")
    await identity.agreement(clinic, None, lives)
    return Scene(place, lives, person, clinic, await identity.staff(clinic, "clinician", name=clinician))


def clinician_of(clinic: Organization, account: Account) -> Actor:
    """Return the actor who is a clinician of the clinic."""
    held = Membership(clinic.id, "clinic", "clinician")
    return Actor(kind="account", id=account.id, community_id=clinic.community_id, memberships=(held,))


async def consultation(of: Scene, *, starts_at: datetime | None = None) -> ConsultationDetail:
    """Plan a visit of half an hour; its waiting room is open now unless it begins later."""
    begins = starts_at or clock.now() + timedelta(minutes=5)
    async with unit_of_work() as session:
        return await open_consultation(
            session,
            clinician_of(of.clinic, of.clinician),
            resident_id=of.resident.id,
            organization_id=of.clinic.id,
            data=ConsultationOpen(starts_at=begins, ends_at=begins + timedelta(minutes=30)),
        )
