"""A community with somebody who keeps its attractions, somebody at the door, and somebody who oversees."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio

from app.core.clock import ManualClock
from app.identity.models import Community, Organization
from tests.factories import community_attractions as attractions
from tests.factories import identity, sign_in

Headers = dict[str, str]
WEEK: dict[str, Any] = {"weekdays": [2, 3, 4, 5, 6, 7], "starts": "09:00", "ends": "17:00"}


@dataclass(frozen=True)
class Scene:
    """Whose attractions, and who says what of them."""

    client: httpx.AsyncClient
    clock: ManualClock
    place: Community
    museums: Organization
    keeper: Headers
    worker: Headers
    resident: Headers

    @property
    def path(self) -> str:
        """Return the path of what the organization runs."""
        return f"/v1/organizations/{self.museums.id}/attractions"

    async def described(self, **changes: Any) -> dict[str, Any]:
        """Describe an attraction over HTTP, and return the draft."""
        answer = await self.client.post(self.path, json=attractions.GARDEN | changes, headers=self.keeper)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def published(self, *rules: dict[str, Any], **changes: Any) -> str:
        """Publish an attraction, open by rules (default: every day but Monday from nine to five), and return its id."""
        attraction_id: str = (await self.described(**changes))["id"]
        hours = {"hours": list(rules) or [WEEK]}
        await self.done("PUT", f"{attraction_id}/hours", json=hours)
        await self.done("POST", f"{attraction_id}/publication")
        return attraction_id

    async def done(self, method: str, path: str, **options: Any) -> Any:
        """Return what the keeper is answered beneath the organization's attractions; it is a success."""
        answer = await self.client.request(method, f"{self.path}/{path}", headers=self.keeper, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def found(self, **query: Any) -> list[str]:
        """Return the English names of what anybody finds, in order."""
        answer = await self.client.get("/v1/attractions", params={"community_id": str(self.place.id)} | query)
        assert answer.status_code == 200, answer.text
        return [one["name"]["en"] for one in answer.json()["items"]]

    async def shown(self, attraction_id: str) -> dict[str, Any]:
        """Return what anybody sees of an attraction."""
        answer = await self.client.get(f"/v1/attractions/{attraction_id}")
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    """Hand out the people; the clock is at four in the afternoon of Monday, 2 March 2026, in Shanghai."""
    place = await identity.community()
    museums = await attractions.organization(place)
    return Scene(
        client,
        clock,
        place,
        museums,
        await sign_in.sign_in(await identity.staff(museums, "coordinator"), second_factor=True),
        await sign_in.sign_in(await identity.staff(museums, "worker"), second_factor=True),
        await sign_in.sign_in_resident(await identity.resident(place)),
    )
