"""Those in the access matrix whose rights have a story: who acts for the resident, whom an alarm let in, whose rights
ended, and who serves somebody else.
"""

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from app.core import clock
from app.core.database import unit_of_work
from app.core.tables import Table
from app.identity.api import close_break_glass, open_break_glass
from app.identity.models import Account, Community, Grant, Membership, Organization, Resident
from app.identity.scopes import GRANTABLE, PROXY
from eldercare.alarms.rules import BREAK_GLASS_LASTS
from eldercare.ladders.service import BREAK_GLASS_SCOPES
from eldercare.proxies.models import Proxy
from eldercare.visits.models import VisitCarer
from tests.factories import eldercare_alarms, eldercare_visits, identity

ENDED = timedelta(days=1)
"""How long ago the rights of those who had some ended."""


async def proxy(resident: Resident, place: Community) -> Account:
    """Insert somebody who acts for the resident by order of a court, with all that a proxy can be let do."""
    person = await identity.account(place, name="Guardian", phone="+8613800000011")
    grant = await identity.grant(resident, person, PROXY, kind="proxy")
    await _insert(_proxy(resident, person, state="in_force", grant_id=grant.id))
    return person


async def responder(resident: Resident, place: Community, alarm_id: uuid.UUID) -> Account:
    """Insert somebody whom an open alarm let in, and nothing else does."""
    person = await identity.account(place, name="Responder", phone="+8613800000012")
    await _let_in(resident, person, alarm_id)
    return person


async def former(resident: Resident, place: Community, agency: Organization, visit_id: uuid.UUID) -> Account:
    """Insert somebody who had every kind of right there is, each of which has ended.

    They were a relative with the resident's consent, their proxy, in their circle, called by an alarm that is over,
    and the agency's carer and coordinator, taken off the visit.
    """
    person = await identity.account(place, name="Former", phone="+8613800000013")
    now = clock.now()
    await identity.grant(resident, person, GRANTABLE, expires_at=now - ENDED)
    grant = await identity.grant(resident, person, PROXY, kind="proxy")
    await _end(Grant, grant.id, "revoked_at")
    await _insert(_proxy(resident, person, state="revoked", grant_id=grant.id, revoked_at=now - ENDED))
    await eldercare_alarms.circle_member(resident, person, position=3, state="removed", ended_at=now - ENDED)
    over = clock.new_id()
    await _let_in(resident, person, over)
    async with unit_of_work() as session:
        await close_break_glass(session, over)
    for role in ("carer", "coordinator"):
        held = await identity.membership(agency, person, role)
        if role == "carer":
            await eldercare_visits.assign(visit_id, person)
            await _take_off(visit_id, person)
        await _end(Membership, held.id, "ended_at")
    return person


async def rival(resident: Resident, place: Community) -> Account:
    """Insert a coordinator of another agency, whose agreement about the resident ended, and clinician of a clinic that
    looks after somebody else.
    """
    agency = await identity.organization(place, "care_agency", name="Another agency")
    await identity.agreement(agency, None, resident, ends_at=clock.now() - ENDED)
    person = await identity.staff(agency, "coordinator", name="Rival", phone="+8613800000014")
    clinic = await identity.organization(place, "clinic", name="Another clinic")
    await identity.agreement(clinic, None, await identity.resident(place, name="Patient"))
    await identity.membership(clinic, person, "clinician")
    return person


async def _let_in(resident: Resident, person: Account, alarm_id: uuid.UUID) -> None:
    async with unit_of_work() as session:
        await open_break_glass(
            session,
            community_id=resident.community_id,
            resident_id=resident.id,
            alarm_id=alarm_id,
            account_ids=[person.id],
            scopes=BREAK_GLASS_SCOPES | {"location:read"},
            expires_at=clock.now() + BREAK_GLASS_LASTS,
        )


def _proxy(resident: Resident, person: Account, **values: Any) -> Proxy:
    return Proxy(
        community_id=resident.community_id,
        resident_id=resident.id,
        account_id=person.id,
        basis="court_order",
        document_id=clock.new_id(),
        scopes=sorted(PROXY),
        proposed_by=resident.account_id,
        checked_by=resident.account_id,
        checked_at=clock.now(),
        **values,
    )


async def _take_off(visit_id: uuid.UUID, person: Account) -> None:
    now = clock.now()
    async with unit_of_work() as session:
        statement = (
            sa.update(VisitCarer)
            .where(col(VisitCarer.visit_id) == visit_id, col(VisitCarer.account_id) == person.id)
            .values(state="removed", removed_at=now, removed_by=person.id)
        )
        await session.execute(statement)


async def _end(table: type[Table], row_id: uuid.UUID, column: str) -> None:
    async with unit_of_work() as session:
        setattr(await session.get_one(table, row_id), column, clock.now() - ENDED)


async def _insert(row: Table) -> None:
    async with unit_of_work() as session:
        session.add(row)
