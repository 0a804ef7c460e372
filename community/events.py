"""The facts the community's services emit: past tense, ids and enumerations only, versioned."""

import uuid
from datetime import datetime
from typing import ClassVar, Literal

from app.core.events import Event


class _OfWorker(Event):
    """``aggregate_id`` is the worker's row; ``account_id`` is who they are, ``organization_id`` for whom they work."""

    name: ClassVar[str] = "community.of_worker.v1"

    organization_id: uuid.UUID
    account_id: uuid.UUID


class WorkerSuspended(_OfWorker):
    """A worker is given nothing new from now on; what is theirs ahead comes before the provider."""

    name: ClassVar[str] = "community.worker_suspended.v1"


class WorkerLeft(_OfWorker):
    """A worker does not go to anybody any more: put aside by the provider, or no longer one of its people."""

    name: ClassVar[str] = "community.worker_left.v1"


class WorkerSkillExpired(_OfWorker):
    """A skill of a worker counts no longer, or not as long: it ran out, or it was taken back or has yet to be proved.

    ``aggregate_id`` is the skill's row.
    """

    name: ClassVar[str] = "community.worker_skill_expired.v1"

    code: str
    because: Literal["expired", "taken_back"]


class WorkerHoursChanged(_OfWorker):
    """A worker is there at other times than before."""

    name: ClassVar[str] = "community.worker_hours_changed.v1"


class _OfOrder(Event):
    """``aggregate_id`` is the order; ``worker_id`` the account of whoever comes, if anybody does."""

    name: ClassVar[str] = "community.of_order.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    worker_id: uuid.UUID | None = None


class OrderHeld(_OfOrder):
    """Help was ordered, and waits for its money."""

    name: ClassVar[str] = "community.order_held.v1"


class OrderPlaced(_OfOrder):
    """The money is there, or is paid at the door: somebody is looked for."""

    name: ClassVar[str] = "community.order_placed.v1"


class OrderExpired(_OfOrder):
    """The money did not come in time."""

    name: ClassVar[str] = "community.order_expired.v1"


class OrderAssigned(_OfOrder):
    """Somebody goes: ``worker_id``, perhaps in another's place."""

    name: ClassVar[str] = "community.order_assigned.v1"


class OrderUnassigned(_OfOrder):
    """Whoever was to go, ``worker_id``, does not: somebody is looked for again."""

    name: ClassVar[str] = "community.order_unassigned.v1"


class OrderSetOut(_OfOrder):
    """Whoever comes is on the way."""

    name: ClassVar[str] = "community.order_set_out.v1"


class OrderStarted(_OfOrder):
    """Whoever came is let in, and begins."""

    name: ClassVar[str] = "community.order_started.v1"


class OrderOverran(_OfOrder):
    """What should have ended by now goes on: whatever ``worker_id`` is to do next may begin late."""

    name: ClassVar[str] = "community.order_overran.v1"


class OrderFinished(_OfOrder):
    """The work is done."""

    name: ClassVar[str] = "community.order_finished.v1"


class OrderClosed(_OfOrder):
    """The work is done and paid."""

    name: ClassVar[str] = "community.order_closed.v1"


class OrderNoAccess(_OfOrder):
    """Nobody answered the door: the resident may be out, or on the floor."""

    name: ClassVar[str] = "community.order_no_access.v1"
    critical: ClassVar[bool] = True


class OrderCancelled(_OfOrder):
    """The order was called off."""

    name: ClassVar[str] = "community.order_cancelled.v1"

    by: Literal["resident", "provider", "operator", "hearthline"]


class ResidentUnwell(_OfOrder):
    """Whoever is there found the resident unwell; ``note_id`` is what they wrote of it."""

    name: ClassVar[str] = "community.resident_unwell.v1"
    critical: ClassVar[bool] = True

    note_id: uuid.UUID


class _OfTicketOrder(Event):
    """``aggregate_id`` is the order of tickets; ``resident_id`` whose day it is, if they are one."""

    name: ClassVar[str] = "community.of_ticket_order.v1"

    organization_id: uuid.UUID
    cart_id: uuid.UUID
    resident_id: uuid.UUID | None = None


class TicketOrderConfirmed(_OfTicketOrder):
    """Tickets are valid: their money is there, or is paid at the desk, or there is nothing to pay."""

    name: ClassVar[str] = "community.ticket_order_confirmed.v1"


class TicketOrderCancelled(_OfTicketOrder):
    """Nothing of an order will be used: it was not paid for in time, given back, or called off."""

    name: ClassVar[str] = "community.ticket_order_cancelled.v1"

    reason: str


class TicketsRefunded(_OfTicketOrder):
    """Tickets of an order are valid no more, whatever was given back for them."""

    name: ClassVar[str] = "community.tickets_refunded.v1"

    ticket_ids: list[uuid.UUID]
    reason: str


class _OfTicket(Event):
    """``aggregate_id`` is the ticket."""

    name: ClassVar[str] = "community.of_ticket.v1"

    order_id: uuid.UUID
    slot_id: uuid.UUID
    resident_id: uuid.UUID | None = None


class TicketMoved(_OfTicket):
    """A ticket is for another slot, ``slot_id``, or its slot for another time: codes of it from before do not count."""

    name: ClassVar[str] = "community.ticket_moved.v1"


class TicketAdmitted(_OfTicket):
    """Somebody came in with a ticket."""

    name: ClassVar[str] = "community.ticket_admitted.v1"


class WaitlistOffered(Event):
    """Places came free for who waited; ``aggregate_id`` is the entry: they are held until ``offered_until``."""

    name: ClassVar[str] = "community.waitlist_offered.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    slot_id: uuid.UUID


class _OfAttraction(Event):
    """``aggregate_id`` is the attraction; ``organization_id`` runs it."""

    name: ClassVar[str] = "community.of_attraction.v1"

    organization_id: uuid.UUID


class AttractionChanged(_OfAttraction):
    """An attraction is not as it was: its hours are others, it is described otherwise, or can (not) be visited."""

    name: ClassVar[str] = "community.attraction_changed.v1"

    what: Literal["hours", "facts", "published", "withdrawn"]


class AttractionClosed(_OfAttraction):
    """An attraction is shut for a while although nobody had planned so. Open again earlier: its hours changed."""

    name: ClassVar[str] = "community.attraction_closed.v1"

    closing_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


class _OfSlot(Event):
    """``aggregate_id`` is the slot an attraction sells tickets for."""

    name: ClassVar[str] = "community.of_slot.v1"

    organization_id: uuid.UUID
    attraction_id: uuid.UUID


class SlotMoved(_OfSlot):
    """A slot takes place, or lets people in, at another time than its tickets say; they stay good for it."""

    name: ClassVar[str] = "community.slot_moved.v1"

    was_starts_at: datetime
    was_ends_at: datetime


class SlotCancelled(_OfSlot):
    """A slot does not take place; whoever has tickets is given their money back."""

    name: ClassVar[str] = "community.slot_cancelled.v1"

    reason: Literal["weather", "technical", "staffing", "safety", "event", "other"]


class TripPublished(Event):
    """One can sign up for a trip, ``aggregate_id``."""

    name: ClassVar[str] = "community.trip_published.v1"

    organization_id: uuid.UUID


class TripCalledOff(Event):
    """A trip, ``aggregate_id``, does not take place; everybody who was to go along is told and paid back."""

    name: ClassVar[str] = "community.trip_called_off.v1"

    organization_id: uuid.UUID


class _OfParticipation(Event):
    """``aggregate_id`` is that a resident goes along on a trip, or would like to."""

    name: ClassVar[str] = "community.of_participation.v1"

    trip_id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID


class TripJoined(_OfParticipation):
    """A resident goes along: the place is theirs, and paid for."""

    name: ClassVar[str] = "community.trip_joined.v1"


class TripPlaceOffered(_OfParticipation):
    """A place came free and is kept for whoever has waited longest."""

    name: ClassVar[str] = "community.trip_place_offered.v1"


class TripParticipationEnded(_OfParticipation):
    """A resident does not go along, or waits no longer."""

    name: ClassVar[str] = "community.trip_participation_ended.v1"

    because: Literal["expired", "cancelled", "called_off"]


class TripParticipantMissing(_OfParticipation):
    """Somebody who goes along is not there: nobody counted them in time, or somebody says so.

    ``was_aboard``: they had been counted on this trip before.
    """

    name: ClassVar[str] = "community.trip_participant_missing.v1"
    critical: ClassVar[bool] = True

    was_aboard: bool


class TripParticipantFound(_OfParticipation):
    """It is known where somebody is who was missing."""

    name: ClassVar[str] = "community.trip_participant_found.v1"
    critical: ClassVar[bool] = True
