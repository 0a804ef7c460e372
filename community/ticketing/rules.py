"""What a ticket costs, whether it is sold, and what is given back: pure decisions, on the attraction's wall."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from app.core.recurrence import EVERY_DAY, Holidays, Recurrence, falls_on, occurrences
from app.core.wall_time import zone

ProductKind = Literal["adult", "senior", "child", "reduced", "companion", "group"]
Reentry = Literal["none", "same_day"]
SlotState = Literal["open", "closed", "cancelled"]
Reason = Literal["weather", "technical", "staffing", "safety", "event", "other"]
Scope = Literal["slot", "day", "season"]
Obstacle = Literal["slot_closed", "slot_cancelled", "slot_over", "not_for_this_slot", "withdrawn", "office_only"]

SLOT_POOL: Final = "ticket_slot"
QUOTA_POOL: Final = "ticket_quota"
ADDON_POOL: Final = "ticket_addon"
"""The kinds of pools at app.reservations; their subjects are a slot's, a share's and an add-on's id."""

_MARGIN: Final = timedelta(days=3)
_TICK: Final = timedelta(microseconds=1)
MOST_SLOTS: Final = 20_000
"""How many slots one template may have, and one list shows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many of a product for a slot, for whatever ``origin_id`` names: a ticket, an order."""

    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int
    origin_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class WantedAddon:
    """So many of an add-on."""

    addon_id: uuid.UUID
    quantity: int
    origin_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as those who sell of it see it; ``begins`` of ``day`` is on the attraction's wall."""

    id: uuid.UUID
    version: int
    community_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    day: date
    begins: time
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime
    capacity: int
    pool_id: uuid.UUID
    product_ids: list[uuid.UUID]
    language: str | None
    state: SlotState
    cancelled_reason: Reason | None
    guide_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product as those who sell it see it; ``price_amount`` is what one costs where no rule says otherwise."""

    id: uuid.UUID
    version: int
    community_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    kind: ProductKind
    price_amount: int
    currency: str
    tax_rate: int
    price_rules: list[dict[str, Any]]
    persons: int
    needs_entitlement: str | None
    max_per_person: int | None
    is_named: bool
    reentry: Reentry
    is_online: bool
    state: str


@dataclass(frozen=True, slots=True)
class Addon:
    """An add-on as those who sell it see it; without a ``pool_id`` there is always one more."""

    id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    price_amount: int
    currency: str
    tax_rate: int
    pool_id: uuid.UUID | None
    max_per_order: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class PriceRule:
    """On which days of which season, from when to when, something costs ``amount``; what it does not say, it takes."""

    code: str
    amount: int
    weekdays: frozenset[int] = EVERY_DAY
    starts_on: date = date.min
    ends_on: date = date.max
    begins: time = time.min
    ends: time | None = None
    holidays: Holidays = "ignore"

    def holds(self, day: date, at: time, calendar: Mapping[date, bool]) -> bool:
        """Say whether it is about a slot of ``day`` that begins ``at``; ``ends`` itself is no longer in it."""
        return (
            self.starts_on <= day <= self.ends_on
            and self.begins <= at
            and (self.ends is None or at < self.ends)
            and falls_on(Recurrence((), self.weekdays, self.starts_on, holidays=self.holidays), day, calendar)
        )


def price_of(
    base: int, rules: Sequence[PriceRule], day: date, at: time, calendar: Mapping[date, bool]
) -> tuple[int, str | None]:
    """Return what one costs in minor units, and the code of the rule that says so: the first that holds."""
    for rule in rules:
        if rule.holds(day, at, calendar):
            return rule.amount, rule.code
    return base, None


def obstacle(
    state: SlotState, entry_until: datetime, at: datetime, *, is_for_slot: bool, is_active: bool, is_sold_here: bool
) -> Obstacle | None:
    """Return why something is not sold, ``None`` if it is: as long as one may enter, it is."""
    if state != "open":
        return "slot_closed" if state == "closed" else "slot_cancelled"
    if entry_until <= at:
        return "slot_over"
    if not is_for_slot:
        return "not_for_this_slot"
    if not is_active:
        return "withdrawn"
    return None if is_sold_here else "office_only"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is given back and may be changed; ``refunds`` are (hours of notice, hundredths of the price)."""

    refunds: tuple[tuple[int, int], ...] = ()
    may_change: bool = True
    change_notice: timedelta = timedelta(hours=1)
    hold_minutes: int = 15
    pays_at_desk: bool = False

    def refund_percent(self, starts_at: datetime, at: datetime) -> int:
        """Return the hundredths of the price that are given back to who cancels ``at``: of the longest notice kept."""
        kept = [(hours, percent) for hours, percent in self.refunds if timedelta(hours=hours) <= starts_at - at]
        return max(kept)[1] if kept else 0

    def lets_change(self, starts_at: datetime, at: datetime) -> bool:
        """Say whether a ticket may still be exchanged for another slot."""
        return self.may_change and at <= starts_at - self.change_notice


def share_id(quota_id: uuid.UUID, scope: Scope, slot_id: uuid.UUID, day: date) -> uuid.UUID:
    """Return the id of the share that counts for a slot: one for each slot, each day, or the whole season."""
    return uuid.uuid5(quota_id, {"slot": str(slot_id), "day": day.isoformat(), "season": ""}[scope])


@dataclass(frozen=True, slots=True)
class Planned:
    """A slot as a template has it; ``begins`` of ``day`` is on the attraction's wall."""

    day: date
    begins: time
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime


def planned(
    recurrence: Recurrence,
    duration: timedelta,
    entry_within: timedelta,
    time_zone: str,
    after: datetime,
    calendar: Mapping[date, bool],
    *,
    except_on: Collection[date] = (),
) -> list[Planned]:
    """Return the slots of a season that begin after an instant, in order, but for days with none (``except_on``).

    Days and hours are the wall's: where the clocks step, a slot begins an hour later, or once (RFC 5545, 3.3.5). How
    long it lasts is counted in time that passes.
    """
    first = max(datetime.combine(recurrence.starts_on, time.min, UTC) - _MARGIN, after + _TICK)
    last = datetime.combine(recurrence.ends_on or recurrence.starts_on, time.min, UTC) + _MARGIN
    return [
        Planned(
            one.local_date,
            one.due_at.astimezone(zone(time_zone)).time(),
            one.due_at,
            one.due_at + duration,
            one.due_at + entry_within,
        )
        for one in occurrences(recurrence, time_zone, first, last, calendar)
        if one.local_date not in except_on
    ]
