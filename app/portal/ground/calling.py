"""Whom to phone when nothing else works, in the order in which one would."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.core.settings import settings
from app.portal.ground.asking import Refused
from app.portal.ground.visits import Visit

_SERVICES: Final = ("medical", "any", "fire", "police")


@dataclass(frozen=True, slots=True)
class Call:
    """A number to phone; its label is a key of the words."""

    label: str
    number: str


async def numbers_of(visit: Visit) -> Mapping[str, Any]:
    """Return whom to phone: as the community says, and as the installation does where that cannot be told."""
    try:
        numbers: Mapping[str, Any] = await visit.api.get("/v1/me/sos")
    except Refused:
        return settings().sos.model_dump()
    return numbers


def calls_of(numbers: Mapping[str, Any]) -> tuple[Call, ...]:
    """Return whom to phone: the emergency service first, then the desk, each number once."""
    emergency = numbers["emergency_numbers"]
    found: dict[str, str] = {}
    first = next((one for one in _SERVICES if emergency.get(one)), None)
    if first:
        found[emergency[first]] = f"service_{first}"
    if numbers["desk_phone"]:
        found.setdefault(numbers["desk_phone"], "call_desk")
    for service in _SERVICES:
        if emergency.get(service):
            found.setdefault(emergency[service], f"service_{service}")
    return tuple(Call(label, number) for number, label in found.items())


def calls_at_hand() -> tuple[Call, ...]:
    """Return whom to phone where nobody can say in which community that is: as the installation does."""
    return calls_of(settings().sos.model_dump())
