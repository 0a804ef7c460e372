"""What a slot is, and how it is shown: with whom, where and how far away, for how much, and how many seats are left."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.dispatch.api import Place, distance
from app.identity.api import organizations_named
from telemedicine.clinics.rules import Need, Span
from telemedicine.clinics.schemas.clinics import Money, PractitionerPublic
from telemedicine.clinics.schemas.slots import SlotClinic, SlotLocation, SlotPublic, SlotVisitType
from telemedicine.clinics.views import clinics as views
from telemedicine.clinics.views.offers import Offers


class Position(NamedTuple):
    """Where a slot stands in the list."""

    starts_at: datetime
    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Slot:
    """A start of a practitioner's, by their hours; ``free`` are calendars of each kind of resource to choose from.

    If several can share it, ``session_id`` is what they take part in and ``seats_id`` whose the seats are.
    """

    starts_at: datetime
    ends_at: datetime
    blocks: Span
    practitioner: Any
    visit_type: Any
    location_id: uuid.UUID | None
    time_zone: str
    free: Mapping[Need, tuple[uuid.UUID, ...]]
    places: int
    seats_id: uuid.UUID | None
    session_id: uuid.UUID | None
    is_running: bool

    @property
    def position(self) -> Position:
        """Return where it stands in the list."""
        return Position(self.starts_at, self.practitioner.id, self.visit_type.id)


def metres_to(found: Offers, location_id: uuid.UUID | None) -> float | None:
    """Return how far a place is from where was asked, along the great circle; ``None`` for what is no place."""
    place = found.locations.get(location_id) if location_id else None
    if place is None or found.query.near is None:
        return None
    return distance(Place(*found.query.near), Place(place.latitude, place.longitude))


async def shown(connection: AsyncConnection, found: Offers, slots: Sequence[Slot]) -> list[SlotPublic]:
    """Return slots with who, where, how far from where was asked, and for how much."""
    people = {slot.practitioner.id: slot.practitioner for slot in slots}
    photos = await views.photos(connection, people.values())
    public = {
        one: PractitionerPublic.model_validate(person).model_copy(update={"photo": photos.get(one)})
        for one, person in people.items()
    }
    ids = {person.organization_id for person in people.values()}
    named = await organizations_named(connection, found.query.community_id, ids) if ids else {}
    return [
        SlotPublic(
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            time_zone=slot.time_zone,
            practitioner=public[slot.practitioner.id],
            clinic=SlotClinic(
                organization_id=slot.practitioner.organization_id, name=named[slot.practitioner.organization_id].name
            ),
            visit_type=_visit_type(slot.visit_type),
            location=_location(found, slot.location_id),
            places=slot.places,
        )
        for slot in slots
    ]


def _visit_type(row: Any) -> SlotVisitType:
    price = Money(amount=row.price_amount, currency=row.price_currency)
    return SlotVisitType(
        id=row.id, name=row.name, preparation=row.preparation, mode=row.mode, duration=row.duration, price=price
    )


def _location(found: Offers, location_id: uuid.UUID | None) -> SlotLocation | None:
    place = found.locations.get(location_id) if location_id else None
    if place is None:
        return None
    metres = metres_to(found, location_id)
    fields = {name: getattr(place, name) for name in SlotLocation.model_fields if name != "distance"}
    return SlotLocation(**fields, distance=None if metres is None else round(metres))
