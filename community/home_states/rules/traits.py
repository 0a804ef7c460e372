"""What there is to know of an entity to take its reports: whose it is, how fast it may talk, when its word expires."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

HAZARDS: Final = frozenset({"smoke", "gas", "carbon_monoxide", "water", "fall", "bed", "sos_button"})
"""Roles of which each report counts at once: none is held back, and none waits for a batch."""

CALLS: Final = frozenset({"fall", "sos_button"})
"""Roles of which the first report tells of a happening, too: a pendant just out of its box is pressed as well."""

CALL_AGAIN: Final = timedelta(minutes=10)
DANGER_AGAIN: Final = timedelta(hours=2)
"""What says that it is on after so long without a word may have been off meanwhile: nobody has heard the end of it.
Of a press that is known sooner; what only goes on saying so is heard in between."""

NUMERIC_GAP: Final = timedelta(seconds=10)
OTHER_GAP: Final = timedelta(seconds=1)
NO_GAP: Final = timedelta(0)

# What a usual device of the kind cannot tell from nothing, in the unit it usually has (SI, per cent, volts …).
_NOISE: Final[Mapping[str, float]] = {
    "temperature": 0.1,
    "humidity": 0.5,
    "moisture": 0.5,
    "battery": 1.0,
    "power": 0.5,
    "apparent_power": 0.5,
    "reactive_power": 0.5,
    "power_factor": 0.5,
    "current": 0.01,
    "voltage": 0.5,
    "frequency": 0.05,
    "illuminance": 2.0,
    "atmospheric_pressure": 0.1,
    "pressure": 0.1,
    "carbon_dioxide": 5.0,
    "signal_strength": 3.0,
    "distance": 0.01,
}
_METERS: Final = frozenset({"total", "total_increasing"})


Names = tuple[uuid.UUID, uuid.UUID, uuid.UUID, uuid.UUID, uuid.UUID, str, str | None, str | None, uuid.UUID | None]
"""How a ``StateChange`` begins: home, community, resident, entity, device, component, class, role, room."""


@dataclass(frozen=True, slots=True)
class Traits:
    """An entity as far as its reports are concerned."""

    entity_id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    device_id: uuid.UUID
    names: Names
    is_hazard: bool
    is_call: bool
    is_battery: bool
    gap: timedelta
    noise: float
    expire_after: timedelta | None
    off_delay: timedelta | None
    is_available: Callable[[Mapping[str, bool]], bool]
    counts_each: bool = False
    """Whether each word is a happening though it says the same (``force_update`` of a button)."""

    def may_be_anew(self, since: timedelta) -> bool:
        """Say whether what says once more that it is on, ``since`` its last word, may have begun anew meanwhile."""
        return (self.is_call and (self.counts_each or since >= CALL_AGAIN)) or since >= DANGER_AGAIN


def gap_of(role: str | None, component: str, state_class: str | None, unit: str | None) -> timedelta:
    """Return the least time between two readings of an entity; of what may be a danger each is written."""
    if role in HAZARDS:
        return NO_GAP
    is_numeric = component == "number" or state_class is not None or unit is not None
    return NUMERIC_GAP if is_numeric else OTHER_GAP


def noise_of(device_class: str | None, state_class: str | None) -> float:
    """Return how far a number must move before it is another reading; a meter's every step counts."""
    if device_class is None or state_class in _METERS:
        return 0.0
    return _NOISE.get(device_class, 0.0)
