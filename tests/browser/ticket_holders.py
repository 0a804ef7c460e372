"""An attraction that is open now, with gates, people who scan there, and tickets whose codes are signed."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Account, Community, Organization
from community.ticket_codes.rules import Code
from community.ticket_codes.service import codes_for
from community.ticket_orders.models import Ticket, TicketOrder
from community.ticketing.models import TicketSlot
from tests.factories import community_attractions as attractions
from tests.factories import community_citizen_cards as cards
from tests.factories import community_ticketing as ticketing
from tests.factories import identity
from tests.factories.sign_in import sign_in

PHONE: Final = "+8613800138000"
CARD: Final = "DIS-2026-0042"
_AROUND: Final = timedelta(hours=4)


@dataclass(frozen=True)
class Attraction:
    """What is scanned, where, and by whom."""

    community: Community
    organization: Organization
    coordinator: Account
    headers: dict[str, str]
    attraction_id: uuid.UUID
    slot: TicketSlot
    product_id: uuid.UUID

    async def ticket(self, **values: Any) -> Ticket:
        """Insert a ticket that was bought at the desk for now."""
        now = clock.now()
        order = TicketOrder(
            community_id=self.community.id,
            organization_id=self.organization.id,
            cart_id=clock.new_id(),
            channel="office",
            state="confirmed",
            starts_at=now - _AROUND,
            ends_at=now + _AROUND,
            total_amount=6_000,
            currency="CNY",
            payment_method="none",
            lines=[],
            terms={},
            confirmed_at=now,
        )
        ticket = Ticket(
            order_id=order.id,
            community_id=self.community.id,
            organization_id=self.organization.id,
            attraction_id=self.attraction_id,
            slot_id=self.slot.id,
            product_id=self.product_id,
            list_amount=6_000,
            price_amount=6_000,
            **{"valid_from": now - _AROUND, "valid_until": now + _AROUND, "state": "valid"} | values,
        )
        async with unit_of_work() as session:
            session.add(order)
            await session.flush()
            session.add(ticket)
        return ticket

    async def codes(self, tickets: Sequence[Ticket], **values: Any) -> list[str]:
        """Return the texts of tickets' QR codes."""
        said = [
            Code(
                ticket_id=one.id,
                valid_from=one.valid_from,
                valid_until=one.valid_until,
                persons=one.persons,
                revision=one.revision,
                name_checked=one.is_named,
                may_return=one.reentry == "same_day",
                **{"attraction_id": one.attraction_id} | values,
            )
            for one in tickets
        ]
        async with unit_of_work() as session:
            return await codes_for(await session.connection(), self.community.id, said)

    async def gate(self, api: str, name: str) -> None:
        """Add a gate."""
        path = f"/v1/attractions/{self.attraction_id}/gates"
        async with httpx.AsyncClient(base_url=api, timeout=60) as client:
            answer = await client.post(path, headers=self.headers, json={"name": name})
        assert answer.status_code == 201, answer.text

    async def lets_in_by_card(self, api: str) -> None:
        """Let a resident's disability card open the gates without a ticket."""
        resident = await identity.resident(self.community)
        await cards.card(resident, await cards.scheme(self.community), CARD)
        path = f"/v1/attractions/{self.attraction_id}/gate-rules"
        async with httpx.AsyncClient(base_url=api, timeout=60) as client:
            rules = {"free_entitlements": ["free_entry"]}
            answer = await client.put(path, headers=self.headers | {"If-Match": '"0"'}, json=rules)
        assert answer.status_code == 200, answer.text

    async def sign_out_everywhere(self, api: str) -> None:
        """End what the coordinator is signed in by, on all devices."""
        async with httpx.AsyncClient(base_url=api, timeout=60) as client:
            answer = await client.delete("/v1/me/sessions", headers=self.headers)
        assert answer.status_code == 204, answer.text

    async def conflicts(self, api: str) -> list[dict[str, Any]]:
        """Return what the attraction has to decide on."""
        path = f"/v1/attractions/{self.attraction_id}/admission-conflicts"
        async with httpx.AsyncClient(base_url=api, timeout=60) as client:
            answer = await client.get(path, headers=self.headers)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


async def attraction() -> Attraction:
    """Insert an attraction that is open, and who runs it."""
    community = await identity.community()
    organization = await attractions.organization(community)
    coordinator = await identity.staff(organization, "coordinator", phone=PHONE)
    row = await attractions.attraction(organization, hours=attractions.ALWAYS)
    product = await ticketing.product(organization, row.id)
    slots = await ticketing.slots(organization, row.id, [clock.now() - _AROUND], duration=2 * _AROUND)
    headers = await sign_in(coordinator, second_factor=True)
    return Attraction(community, organization, coordinator, headers, row.id, slots[0], product.id)
