"""What the access matrix names of attractions: what is sold and shown there, who has bought it, days out and trips."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Account, Community, Organization, Resident
from app.media.models import STORED, Upload
from app.media.storage import storage
from community.attractions.models import Attraction
from community.ticketing.models import TicketProduct, TicketSlot
from tests.factories import (
    community_attractions,
    community_citizen_cards,
    community_gates,
    community_itineraries,
    community_ticket_office,
    community_ticketing,
    community_tickets,
    community_trips,
    identity,
)
from tests.media.samples import photo


class World(Protocol):
    """The people and things paths can name."""

    @property
    def ids(self) -> Mapping[str, object]:
        """What stands in a path, by the segment before it."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """Who has to do with an attraction and its visitors."""

    place: Community
    agency: Organization
    coordinator: Account
    carer: Account
    colleague: Account
    resident: Resident
    neighbour: Resident


async def things(of: Concerned) -> dict[str, object]:
    """Insert an attraction, what it sells, who bought it and comes in how, and trips; return their ids."""
    shown = await _attraction(of.agency, of.carer)
    attraction_id = shown["attractions"]
    sold = await _tickets(of.agency, attraction_id)
    called_off = await community_ticketing.called_off(of.agency, attraction_id)
    return {
        **await _itinerary(of.place, of.resident, of.carer),
        **shown,
        **sold,
        "slot-cancellations": called_off.id,
        "visitor-days": "2026-03-02",
        **await _bought(of.resident, of.agency, attraction_id),
        **await _cards(of.place, of.resident, of.neighbour),
        **await _office(of, sold),
        **await _gate(attraction_id),
        **await _trip(of.resident, of.agency, of.carer, of.colleague),
    }


async def _attraction(agency: Organization, carer: Account) -> dict[str, uuid.UUID]:
    """Insert an attraction of the agency's with a photo, a day with other hours, and a while in which it is shut."""
    picture = photo()
    upload = Upload(
        community_id=agency.community_id,
        owner_id=carer.id,
        about_id=agency.id,
        purpose="photo",
        content_type="image/jpeg",
        size=len(picture),
        received=len(picture),
        stored_size=len(picture),
        sha256=bytes(32),
        state=STORED,
    )
    async with unit_of_work() as session:
        session.add(upload)
    await storage().finish(upload.id, picture)
    row = await community_attractions.attraction(agency, photo_ids=[upload.id])
    exception = await community_attractions.exception(row, date(2026, 5, 1))
    closing = await community_attractions.closing(row, clock.now() + timedelta(days=1))
    return {"attractions": row.id, "photos": upload.id, "opening-exceptions": exception.id, "closings": closing.id}


async def _tickets(agency: Organization, attraction_id: uuid.UUID) -> dict[str, object]:
    """Insert what the attraction sells: a product, a template, a slot with a quota over it, an add-on."""
    offer = await community_ticketing.on_offer(agency, attraction_id, count=1)
    quota = await community_ticketing.quota(agency, attraction_id, offer.slots)
    return {
        "ticket-products": offer.products["adult"].id,
        "slot-templates": (await community_ticketing.template(agency, attraction_id)).id,
        "ticket-slots": offer.slots[0].id,
        "ticket-quotas": quota.id,
        "ticket-addons": (await community_ticketing.addon(agency, attraction_id)).id,
    }


async def _bought(resident: Resident, agency: Organization, attraction_id: uuid.UUID) -> dict[str, object]:
    """Insert a ticket that the resident bought of the agency, its voucher, and that the resident waits for more."""
    (slot,) = await community_ticketing.slots(agency, attraction_id, [clock.now() + timedelta(days=2)])
    product = await community_ticketing.product(agency, attraction_id, "day")
    row = await community_tickets.ticket(resident, slot, product)
    return {
        "ticket-orders": row.order_id,
        "tickets": row.id,
        "ticket-waits": (await community_tickets.wait(resident, slot, product)).id,
        "ticket-vouchers": (await community_tickets.voucher(agency)).id,
    }


def _cart(world: World) -> dict[str, Any]:
    item = {"slot_id": world.ids["ticket-slots"], "product_id": world.ids["ticket-products"]}
    return {"items": [item], "total": 6_000, "payment_method": "provider", "is_another": True}


async def _cards(place: Community, resident: Resident, neighbour: Resident) -> dict[str, object]:
    """Insert a kind of card, one of the resident's that waits to be verified, and a neighbour who says it is theirs."""
    kind = await community_citizen_cards.scheme(place)
    card = await community_citizen_cards.card(resident, kind, state="pending", verified_at=None)
    claim = await community_citizen_cards.claim(neighbour, kind)
    return {"card-schemes": kind.id, "citizen-cards": card.id, "citizen-card-claims": claim.id}


async def _office(of: Concerned, sold: dict[str, object]) -> dict[str, object]:
    """Insert a till of the coordinator's, tickets sold at it, and a reseller who has some to sell."""
    async with unit_of_work() as session:
        slot = await session.get_one(TicketSlot, sold["ticket-slots"])
        adult = await session.get_one(TicketProduct, sold["ticket-products"])
    till = await community_ticket_office.shift(of.coordinator, of.agency)
    sale = await community_ticket_office.sale(of.coordinator, till, slot, adult)
    reseller = await identity.organization(of.place, "provider", name="Slow Travel")
    allotment = await community_ticket_office.allotment(of.coordinator, reseller, adult, [slot])
    return {
        "office-shifts": till.id,
        "office-orders": sale.sale.order_id,
        "ticket-allotments": allotment.id,
        "reseller-allotments": allotment.id,
        "reseller-statements": "2026-03",
    }


async def _gate(attraction_id: uuid.UUID) -> dict[str, object]:
    """Insert a gate of an attraction that let somebody in by a forged code."""
    async with unit_of_work() as session:
        attraction = await session.get_one(Attraction, attraction_id)
    row = await community_gates.gate(attraction)
    return {"gates": row.id, "admission-conflicts": (await community_gates.conflict(row)).id}


def _scan() -> dict[str, Any]:
    scanned = {"text": "", "direction": "entry", "scanned_at": "2026-03-02T08:00:00Z"}
    return scanned | {"nonce": str(clock.new_id())}


async def _itinerary(place: Community, resident: Resident, carer: Account) -> dict[str, object]:
    """Insert a day out of the resident's, on which the carer comes along."""
    museum = await community_attractions.attraction(await community_attractions.organization(place))
    row, stop = await community_itineraries.itinerary(resident, museum.id)
    await community_itineraries.companion(row, carer)
    return {"itineraries": row.id, "itineraries/stops": stop.id, "companions": carer.id}


async def _trip(resident: Resident, agency: Organization, carer: Account, colleague: Account) -> dict[str, object]:
    """Insert a trip of the agency that the carer leads and the resident goes along on, and who would accompany them."""
    row = await community_trips.trip(agency, carer)
    return {
        "trips": row.id,
        "trips/stops": (await community_trips.stop(row)).id,
        "trip-participations": (await community_trips.participant(row, resident)).id,
        "volunteers": (await community_trips.volunteer(row, colleague)).id,
    }


_NAME: Final = {"en": "Senior", "zh-CN": "长者"}
_PRODUCT: Final = {"name": _NAME, "kind": "senior", "price_amount": 3_000, "currency": "CNY"}
_QUOTA: Final = {"name": _NAME, "capacity": 30}
_ADDON: Final = {"name": _NAME, "price_amount": 2_000, "currency": "CNY"}
_TEMPLATE: Final = {
    "name": "Mornings",
    "starts_on": "2026-03-05",
    "ends_on": "2026-03-07",
    "times": ["09:00"],
    "duration": "PT1H",
    "capacity": 10,
}
_SLOT: Final = {"starts_at": "2026-03-05T02:00:00Z", "ends_at": "2026-03-05T03:00:00Z", "capacity": 10}

BODIES: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "quoteTicketCart": lambda world: {"items": _cart(world)["items"]},
    "createTicketCart": _cart,
    "refundTickets": lambda world: {"ticket_ids": [world.ids["tickets"]], "amount": 0},
    "moveTicket": lambda world: {"slot_id": world.ids["ticket-slots"]},
    "setTicketHolder": lambda _: {"name": "Grace"},
    "createTicketWait": lambda world: _cart(world)["items"][0],
    "createTicketVoucher": lambda _: {
        "name": "Spring",
        "code": "SPRING26",
        "percent": 10,
        "valid_from": "2026-03-01T00:00:00Z",
        "valid_until": "2026-06-01T00:00:00Z",
        "max_uses": 10,
    },
    "addAttraction": lambda _: community_attractions.GARDEN,
    "setAttraction": lambda _: community_attractions.GARDEN,
    "setAttractionHours": lambda _: {"hours": []},
    "addAttractionException": lambda _: {"first_day": "2026-05-04", "last_day": "2026-05-05"},
    "closeAttraction": lambda _: {"ends_at": "2026-03-02T10:00:00Z"},
    "quoteTickets": lambda world: {
        "items": [
            {
                "slot_id": str(world.ids["ticket-slots"]),
                "product_id": str(world.ids["ticket-products"]),
                "quantity": 1,
            }
        ]
    },
    "addTicketProduct": lambda _: _PRODUCT | {"code": "senior"},
    "setTicketProduct": lambda _: _PRODUCT,
    "addTicketQuota": lambda _: _QUOTA | {"code": "groups", "scope": "day"},
    "setTicketQuota": lambda _: _QUOTA,
    "addTicketAddon": lambda _: _ADDON | {"code": "guide"},
    "setTicketAddon": lambda _: _ADDON,
    "addSlotTemplate": lambda _: _TEMPLATE,
    "setSlotTemplate": lambda _: _TEMPLATE,
    "addTicketSlot": lambda _: _SLOT,
    "setTicketSlot": lambda _: _SLOT,
    "cancelTicketSlot": lambda _: {"reason": "weather"},
    "cancelTicketSlots": lambda world: {"slot_ids": [world.ids["ticket-slots"]], "reason": "weather"},
    "previewSlotCancellation": lambda world: {"slot_ids": [world.ids["ticket-slots"]]},
    "quoteOfficeTickets": lambda world: {"items": _cart(world)["items"]},
    "setSlotGuides": lambda world: {"guide_id": None, "slot_ids": [world.ids["ticket-slots"]]},
    "addCardScheme": lambda _: community_citizen_cards.TRANSPORT | {"code": "transport"},
    "setCardScheme": lambda _: community_citizen_cards.DISABILITY,
    "linkCitizenCard": lambda _: {"scheme": "disability", "number": "DIS-2026-0043"},
    "openOfficeShift": lambda _: {"counted": 0},
    "closeOfficeShift": lambda _: {"counted": 0, "explanation": "Counted twice"},
    "sellOfficeTickets": lambda world: {"items": _cart(world)["items"], "total": 6_000, "method": "cash"},
    "refundOfficeTickets": lambda world: {"order_id": world.ids["office-orders"], "amount": 0},
    "addTicketAllotment": lambda world: {
        "reseller_id": world.ids["organizations"],
        "product_id": world.ids["ticket-products"],
        "slot_ids": [world.ids["ticket-slots"]],
        "quantity": 1,
    },
    "refuseCitizenCard": lambda _: {"reason": "over"},
    "decideCitizenCardClaim": lambda _: {"outcome": "holder"},
    "addGate": lambda _: {"name": "East gate"},
    "setGate": lambda _: {"name": "West gate"},
    "setGateRules": lambda _: {"free_entitlements": ["free_entry"]},
    "bringScans": lambda _: {"scans": [_scan()], "sent_at": "2026-03-02T08:00:00Z"},
    "resolveAdmissionConflict": lambda _: {"resolution": "harmless", "note": "A child in arms"},
    "planItinerary": lambda _: community_itineraries.WISH,
    "changeItinerary": lambda _: community_itineraries.WISH,
    "bookItinerary": lambda _: {"total": 0, "payment_method": "none"},
    "checkItineraryStop": lambda _: {"state": "arrived"},
    "addItineraryCompanion": lambda world: {"account_id": world.ids["accounts"]},
    "createTrip": lambda _: community_trips.PLAN,
    "setTrip": lambda _: community_trips.PLAN,
    "setTripCapacity": lambda _: {"seats": 30, "wheelchair_places": 2},
    "setTripLeaders": lambda world: {"leader_ids": [world.ids["accounts"]]},
    "callOffTrip": lambda _: {"reason": "weather"},
    "decideTripVolunteer": lambda _: {"is_accepted": True},
    "createTripParticipation": lambda world: community_trips.SIGN_UP | {"trip_id": world.ids["trips"]},
    "createAccompaniedTrip": lambda world: (
        community_trips.SIGN_UP | {"trip_id": world.ids["trips"], "companion": {"kind": "volunteer"}}
    ),
    "cancelTripParticipation": lambda _: {"reason": "other"},
    "takeTripRollCall": lambda _: {"marks": [], "sent_at": "2026-03-02T08:00:00Z"},
}
