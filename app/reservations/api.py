"""The booking kernel's door: packages take time and places through it and never count by themselves.

Who may take whose time is for the caller to know: a calendar is a means, and says nothing of why it is taken. What
collides is tried again in a transaction of its own: routes do so by themselves, others through
``app.core.retrying``.
"""

from app.reservations.blocks import AtOdds, at_odds, block, blocked_by
from app.reservations.drift import Drift, recount
from app.reservations.pool_views import (
    Allocated,
    PoolState,
    allocated_for,
    pools,
    pools_left,
    pools_of,
    require_left,
    taken_for_what,
)
from app.reservations.pools import allocate, open_pool, open_pools, resize, resize_pools
from app.reservations.pools import confirm as confirm_allocations
from app.reservations.pools import extend as extend_allocations
from app.reservations.pools import move as move_allocations
from app.reservations.pools import release as release_allocations
from app.reservations.problems import CalendarTaken, CapacityTaken, HoldOver, PoolExhausted
from app.reservations.rules import NewPool, Opening, Overbooking, Portion, Want, is_live
from app.reservations.service import confirm, confirm_for, extend, hold_again, move, register, release, take
from app.reservations.views import Free, Reserved, free, of_origin, resources_of, taken, taken_spans

__all__ = [
    "Allocated",
    "AtOdds",
    "CalendarTaken",
    "CapacityTaken",
    "Drift",
    "Free",
    "HoldOver",
    "NewPool",
    "Opening",
    "Overbooking",
    "PoolExhausted",
    "PoolState",
    "Portion",
    "Reserved",
    "Want",
    "allocate",
    "allocated_for",
    "at_odds",
    "block",
    "blocked_by",
    "confirm",
    "confirm_allocations",
    "confirm_for",
    "extend",
    "extend_allocations",
    "free",
    "hold_again",
    "is_live",
    "move",
    "move_allocations",
    "of_origin",
    "open_pool",
    "open_pools",
    "pools",
    "pools_left",
    "pools_of",
    "recount",
    "register",
    "release",
    "release_allocations",
    "require_left",
    "resize",
    "resize_pools",
    "resources_of",
    "take",
    "taken",
    "taken_for_what",
    "taken_spans",
]
