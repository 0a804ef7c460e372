"""The facts of the booking kernel: ids only, so that whoever waits for time or places hears that some came free.

What is booked at once, without having been held, is told of by the package that booked it.
"""

import uuid
from typing import ClassVar

from app.core.events import Event


class _OfReservation(Event):
    """``aggregate_id`` is the reservation; ``resource_id`` whose time it is, ``origin_*`` what it was taken for."""

    name: ClassVar[str] = "reservations.of_reservation.v1"

    resource_id: uuid.UUID
    origin_kind: str
    origin_id: uuid.UUID


class ReservationConfirmed(_OfReservation):
    """What was held is booked."""

    name: ClassVar[str] = "reservations.reservation_confirmed.v1"


class ReservationReleased(_OfReservation):
    """Time that was held or booked is free again."""

    name: ClassVar[str] = "reservations.reservation_released.v1"


class ReservationExpired(_OfReservation):
    """A hold is over, and its time free again; told once, by whoever puts it aside."""

    name: ClassVar[str] = "reservations.reservation_expired.v1"


class ReservationMoved(_OfReservation):
    """A reservation gave its time back for another."""

    name: ClassVar[str] = "reservations.reservation_moved.v1"


class TimeUnblocked(Event):
    """Time of a calendar that could not be taken can be again; ``aggregate_id`` is the calendar, as is the other."""

    name: ClassVar[str] = "reservations.time_unblocked.v1"

    resource_id: uuid.UUID


class _OfAllocation(Event):
    """``aggregate_id`` is the allocation; ``pool_id`` what it was a part of, ``origin_*`` what it was taken for."""

    name: ClassVar[str] = "reservations.of_allocation.v1"

    pool_id: uuid.UUID
    origin_kind: str
    origin_id: uuid.UUID


class AllocationConfirmed(_OfAllocation):
    """What was held of a pool is booked."""

    name: ClassVar[str] = "reservations.allocation_confirmed.v1"


class AllocationReleased(_OfAllocation):
    """What was held or booked of a pool is back in it."""

    name: ClassVar[str] = "reservations.allocation_released.v1"


class AllocationExpired(_OfAllocation):
    """A hold on a part of a pool is over, and the part back in it."""

    name: ClassVar[str] = "reservations.allocation_expired.v1"


class AllocationMoved(_OfAllocation):
    """A part of a pool was given back for a part of another."""

    name: ClassVar[str] = "reservations.allocation_moved.v1"


class PoolResized(Event):
    """A pool (``aggregate_id``) has another capacity."""

    name: ClassVar[str] = "reservations.pool_resized.v1"


class DriftFound(Event):
    """A recount of a calendar or a pool (``aggregate_id``) found what must not be; nothing was mended."""

    name: ClassVar[str] = "reservations.drift_found.v1"
