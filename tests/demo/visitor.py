"""Somebody who looks around in three weeks of a small community, by turns as each of the people there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.core.access import Actor
from app.demo.client import Phones
from app.demo.community import Resident, Village

END = datetime(2026, 4, 21, 13, 0, tzinfo=UTC)
"""A Tuesday morning: all of the community's weekly occasions lie in the three weeks before."""
RESIDENTS = 18
"""So many as play a part of their own."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who looks around, by turns as each of the people there."""

    phones: Phones
    village: Village

    async def get(self, actor: Actor, path: str) -> Any:
        """Return what the API shows somebody."""
        return await self.phones.ask(actor, "GET", path)

    async def items(self, actor: Actor, path: str) -> list[dict[str, Any]]:
        """Return the first page of a list."""
        return list((await self.get(actor, f"{path}{'&' if '?' in path else '?'}limit=100"))["items"])

    def resident(self, number: int) -> Resident:
        """Return the resident of a number."""
        found = self.village.numbered(number)
        assert found is not None
        return found

    def staff(self, role: str) -> Actor:
        """Return the first who works in a role."""
        return self.village.staff[role][0]

    async def alarms(self, number: int, kind: str) -> list[dict[str, Any]]:
        """Return the alarms of a kind about a resident, each with everything that happened."""
        desk = self.staff("dispatcher")
        listed = await self.items(desk, f"/v1/residents/{self.resident(number).id}/alarms")
        return [await self.get(desk, f"/v1/alarms/{alarm['id']}") for alarm in listed if alarm["kind"] == kind]
