"""A trip to the lake: a provider that arranges it, who leads it, and residents who would like to go along."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Grant, Resident
from community.trips import jobs
from community.trips.models import PARTICIPANTS
from tests.community.orders.conftest import SCOPES as ORDERING
from tests.community.orders.conftest import (
    THURSDAY,
    Body,
    By,
    Scene,
    no_drift,
    scene,
    session_of_resident,
    subscribed,
    told,
)
from tests.factories import identity

__all__ = ["facts", "no_drift", "scene", "subscribed", "told"]

LEAVES = THURSDAY
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BUS, LAKE, HOME = range(3)
"""The stops: where all get on, where they walk, where all get off."""
SCOPES = ("trips:read", "trips:join")
CONTACT = {"name": "Bea", "phone": "+86 138 0000 0042", "relationship": "daughter"}


def plan(**changes: Any) -> Body:
    """Return a trip as it is planned: for Thursday, in a bus with two seats and a place for a wheelchair."""
    meeting = {"latitude": 31.24, "longitude": 121.49}
    return {
        "title": {"en": "To the lake", "zh-CN": "湖边一日游"},
        "stops": [
            {"name": {"en": "Gate", "zh-CN": "大门"}, **meeting, "departs_at": LEAVES.isoformat()},
            {
                "name": {"en": "Lake", "zh-CN": "湖"},
                "arrives_at": (LEAVES + HOUR).isoformat(),
                "departs_at": (LEAVES + 2 * HOUR).isoformat(),
            },
            {"name": {"en": "Gate", "zh-CN": "大门"}, **meeting, "departs_at": (LEAVES + 3 * HOUR).isoformat()},
        ],
        "sign_up_until": (LEAVES - 12 * HOUR).isoformat(),
        "seats": 2,
        "wheelchair_places": 1,
    } | changes


@dataclass
class Trips:
    """Who is there, and what they ask of the API about trips."""

    scene: Scene
    trip: Body

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """Ask as the resident, or as somebody else, and return what is answered."""
        return await self.scene.ask(method, path, body, **how)

    async def planned(self, *, publish: bool = True, **changes: Any) -> Body:
        """Plan a trip that Mei leads, and publish it unless told otherwise; it is the one from then on."""
        body = plan(**({"leader_ids": [str(self.scene.mei.id)]} | changes))
        path = f"/v1/organizations/{self.scene.provider.id}/trips"
        self.trip = await self.ask("POST", path, body, by=self.scene.keeper, expect=201)
        if publish:
            await self.keep("publication")
        return self.trip

    async def keep(self, action: str, body: Any = None, *, method: str = "POST", expect: int = 200) -> Any:
        """Do something with the trip as its organizer."""
        return await self.ask(
            method, f"/v1/trips/{self.trip['id']}/{action}", body or {}, by=self.scene.keeper, expect=expect
        )

    def wish(self, **changes: Any) -> Body:
        """Return what somebody says who signs up for nothing."""
        return {"trip_id": self.trip["id"], "total": 0, "contacts": [CONTACT]} | changes

    async def join(
        self, resident: Resident | None = None, *, by: By | None = None, expect: int = 201, **changes: Any
    ) -> Body:
        """Sign a resident up, Grace by herself unless told otherwise."""
        whom = resident or self.scene.grace
        path = f"/v1/residents/{whom.id}/trip-participations"
        found: Body = await self.ask("POST", path, self.wish(**changes), by=by, expect=expect)
        return found

    async def other(self, name: str = "Hu") -> tuple[Resident, By]:
        """Insert another resident, and return them with a session."""
        home = await identity.household(self.scene.place, place=(31.23, 121.48))
        row = await identity.resident(self.scene.place, name=name, home=home)
        return row, await session_of_resident(row)

    async def joined(self, name: str, **changes: Any) -> tuple[Body, By]:
        """Have another resident sign up."""
        row, session = await self.other(name)
        return await self.join(row, by=session, **changes), session

    async def do(self, participation: Body, action: str, body: Any = None, **how: Any) -> Any:
        """Do something with how somebody goes along."""
        path = f"/v1/trip-participations/{participation['id']}/{action}"
        return await self.ask("POST", path, body or {}, **how)

    async def seen(self, participation: Body, by: By | None = None) -> Body:
        """Return how somebody's going along stands, as the organizer sees it unless told otherwise."""
        path = f"/v1/trip-participations/{participation['id']}"
        found: Body = await self.ask("GET", path, by=by or self.scene.keeper)
        return found

    async def states(self) -> dict[str, str]:
        """Return how everybody stands on the trip, by the resident's id."""
        statement = sa.select(PARTICIPANTS.c.resident_id, PARTICIPANTS.c.state).where(
            PARTICIPANTS.c.trip_id == uuid.UUID(self.trip["id"])
        )
        async with reading() as connection:
            return {str(row.resident_id): row.state for row in await connection.execute(statement)}

    def roll(self, stop: int) -> str:
        """Return the path of a stop's list."""
        return f"/v1/trips/{self.trip['id']}/stops/{self.trip['stops'][stop]['id']}/roll-call"

    async def count(
        self, stop: int, marks: list[Body], *, by: By | None = None, expect: int = 200, **more: Any
    ) -> Body:
        """Send a list of a stop, as who leads the trip."""
        body = {"marks": marks, "sent_at": clocks.now().isoformat()} | more
        found: Body = await self.ask("POST", self.roll(stop), body, by=by or self.scene.worker, expect=expect)
        return found


def mark(participation: Body, what: str = "present", at: datetime | None = None, **more: Any) -> Body:
    """Return what a leader wrote of somebody, now unless told otherwise."""
    return {
        "nonce": str(clocks.new_id()),
        "participation_id": participation["id"],
        "mark": what,
        "marked_at": (at or clocks.now()).isoformat(),
    } | more


async def work() -> None:
    """Run what the worker does for trips until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS])


async def facts(participation: Body) -> list[str]:
    """Return what was told of how somebody goes along, the first first."""
    events = table_of(EventRecord)
    statement = (
        sa.select(events.c.name).where(events.c.aggregate_id == uuid.UUID(participation["id"])).order_by(events.c.id)
    )
    async with reading() as connection:
        return [name.split(".")[1] for name in await connection.scalars(statement)]


@pytest_asyncio.fixture(loop_scope="session")
async def trips(scene: Scene) -> Trips:
    async with unit_of_work() as session:  # whom one lets do one thing, one lets do another as well
        await session.execute(
            sa.update(table_of(Grant))
            .where(table_of(Grant).c.grantee_account_id == scene.ann.id)
            .values(scopes=[*ORDERING, *SCOPES])
        )
    found = Trips(scene, {})
    await found.planned()
    return found
