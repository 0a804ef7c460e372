"""An attraction that is open now, and who scans there."""

from dataclasses import dataclass
from typing import Any, Final

import httpx

from app.identity.models import Account, Organization
from community.attractions.models import Attraction
from tests.factories import community_attractions as attractions
from tests.factories import community_citizen_cards as cards
from tests.factories import community_gates as gates
from tests.factories import identity
from tests.factories.sign_in import sign_in

PHONE: Final = "+8613800138000"
CARD: Final = "DIS-2026-0042"


@dataclass(frozen=True)
class Scene:
    """Where something is scanned, and by whom."""

    organization: Organization
    attraction: Attraction
    coordinator: Account
    headers: dict[str, str]

    async def conflicts(self, api: str) -> list[dict[str, Any]]:
        """Return what the attraction has to decide on."""
        path = f"/v1/attractions/{self.attraction.id}/admission-conflicts"
        async with httpx.AsyncClient(base_url=api, timeout=60) as client:
            answer = await client.get(path, headers=self.headers)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def sign_out_everywhere(self, api: str) -> None:
        """End what the coordinator is signed in by, on all devices."""
        async with httpx.AsyncClient(base_url=api, timeout=60) as client:
            answer = await client.delete("/v1/me/sessions", headers=self.headers)
        assert answer.status_code == 204, answer.text


async def open_now(*names: str) -> Scene:
    """Insert an attraction with gates of these names, which a resident's disability card opens, too."""
    community = await identity.community()
    organization = await attractions.organization(community)
    coordinator = await identity.staff(organization, "coordinator", phone=PHONE)
    attraction = await attractions.attraction(organization, hours=attractions.ALWAYS)
    for name in names:
        await gates.gate(attraction, name)
    await gates.terms(attraction, "free_entry")
    await cards.card(await identity.resident(community), await cards.scheme(community), CARD)
    return Scene(organization, attraction, coordinator, await sign_in(coordinator))
