"""An attraction with two gates, those who scan and decide there, a visitor, and what they do."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.events import install_subscribers
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from community.attractions.models import CROWDS, Attraction
from community.gates.models import Gate
from community.ticket_orders.models import TICKETS, Ticket
from tests.community.orders import conftest as orders
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.factories import identity, sign_in

By = AccountSession
Body = dict[str, Any]
told = orders.told


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    clock: ManualClock
    place: Community
    museums: Organization
    garden: Attraction
    north: Gate
    south: Gate
    grace: Resident
    nora: Account
    resident: By
    worker: By
    keeper: By
    operator: By

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: By | None = None,
        expect: int = 200,
        extra: dict[str, str] | None = None,
    ) -> Any:
        """Ask as who works at the gate, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(self.worker if by is None else by) | (extra or {})
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def bring(
        self, scans: Sequence[Body], gate: Gate | None = None, *, by: By | None = None, ahead: timedelta = timedelta()
    ) -> list[tuple[str, str | None]]:
        """Bring scans, from a scanner whose clock is ahead, and return how each ended and why."""
        body = {"scans": list(scans), "sent_at": (self.clock.now() + ahead).isoformat()}
        answer = await self.ask("POST", f"/v1/gates/{(gate or self.north).id}/scans", body, by=by)
        assert [one["nonce"] for one in answer["results"]] == [one["nonce"] for one in scans]
        return [(one["outcome"], one["reason"]) for one in answer["results"]]

    def scan(self, at: datetime | None = None, direction: str = "entry", **what: Any) -> Body:
        """Return a scan of a gate that let somebody in by itself, now unless told otherwise."""
        return {
            "nonce": str(gates.nonce()),
            "direction": direction,
            "scanned_at": (at or self.clock.now()).isoformat(),
            "decision": "admitted",
        } | what

    async def of(self, ticket: Ticket, at: datetime | None = None, direction: str = "entry", **what: Any) -> Body:
        """Return a scan of a ticket's code."""
        (text,) = await gates.texts([ticket])
        return self.scan(at, direction, text=text, **what)

    async def conflicts(self, *states: str) -> list[Body]:
        """Return what the coordinator has to decide on, or has."""
        query = "&".join(f"state={state}" for state in states)
        path = f"/v1/attractions/{self.garden.id}/admission-conflicts?{query}"
        found: list[Body] = (await self.ask("GET", path, by=self.keeper))["items"]
        return found

    async def inside(self) -> int:
        """Return how many are inside."""
        async with reading() as connection:
            here = sa.select(CROWDS.c.inside).where(CROWDS.c.attraction_id == self.garden.id)
            return int(await connection.scalar(here) or 0)


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock, subscribed: None) -> Scene:
    place = await identity.community()
    museums = await attractions.organization(place)
    operators = await identity.organization(place, "operator", name="The community")
    await identity.agreement(operators)
    garden = await attractions.attraction(museums)
    grace = await identity.resident(place, phone="+8613800000001")
    nora = await identity.staff(museums, "coordinator", name="Nora", phone="+8613800000003")
    mei = await identity.staff(museums, "worker", name="Li Mei", phone="+8613800000004")
    boss = await identity.staff(operators, "operator", name="Olga", phone="+8613800000006")
    return Scene(
        client,
        clock,
        place,
        museums,
        garden,
        await gates.gate(garden),
        await gates.gate(garden, "South gate"),
        grace,
        nora,
        await orders.session_of_resident(grace),
        await sign_in.session_of(mei),
        await sign_in.session_of(nora, second_factor=True),
        await sign_in.session_of(boss, second_factor=True),
    )


async def state_of(ticket: Ticket) -> str:
    """Return what has become of a ticket."""
    async with reading() as connection:
        return str(await connection.scalar(sa.select(TICKETS.c.state).where(TICKETS.c.id == ticket.id)))


def base64url(raw: bytes) -> str:
    """Return bytes as the API writes them."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
