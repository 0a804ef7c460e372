"""A community on Shanghai's wall with a provider and its people, a rival, an operator and a resident."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.event_tables import EventRecord
from app.core.events import install_subscribers
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization
from community.workers.subscribers import SUBSCRIBERS
from tests.factories import identity, sign_in
from tests.factories.community_workers import PROFILE

Headers = dict[str, str]


@dataclass(frozen=True)
class Scene:
    """Who is there."""

    client: httpx.AsyncClient
    place: Community
    provider: Organization
    coordinator: Account
    mei: Account
    keeper: Headers
    operator: Headers

    @property
    def workers(self) -> str:
        """Return the path of the provider's workers."""
        return f"/v1/organizations/{self.provider.id}/workers"

    async def asked(
        self, method: str, path: str, body: Any = None, *, by: Headers | None = None, expect: int = 200
    ) -> Any:
        """Ask as the provider's coordinator, or as somebody else, and return what is answered."""
        headers = self.keeper if by is None else by
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def entered(self, **changes: Any) -> str:
        """Enter Mei as a worker and return the path of her row."""
        body = PROFILE | {"account_id": str(self.mei.id)} | changes
        made = await self.asked("POST", self.workers, body, expect=201)
        return f"{self.workers}/{made['id']}"


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let workers, and nobody else, hear of what happens."""
    previous = install_subscribers(SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock, subscribed: None) -> Scene:
    place = await identity.community()
    provider = await identity.organization(place, "provider", name="Bright Homes")
    operators = await identity.organization(place, "operator", name="The community")
    coordinator = await identity.staff(provider, "coordinator", name="Nora", phone="+8613800000003")
    return Scene(
        client,
        place,
        provider,
        coordinator,
        await identity.staff(provider, "worker", name="Li Mei", phone="+8613800000004"),
        await sign_in.sign_in(coordinator, second_factor=True),
        await sign_in.sign_in(await identity.staff(operators, "operator"), second_factor=True),
    )


async def facts(name: str) -> list[dict[str, Any]]:
    """Return what was told of workers under a name, the first first."""
    events = table_of(EventRecord)
    statement = sa.select(events.c.payload).where(events.c.name == f"community.{name}.v1").order_by(events.c.id)
    async with reading() as connection:
        return list(await connection.scalars(statement))
