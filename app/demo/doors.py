"""Tags at some doors of the demo: the agency puts them there, and carers prove with them that they came."""

import uuid
from typing import Any, Final

from app.core.access import Actor
from app.demo import behaviour
from app.demo.client import Phones

_WAYS: Final = ("tag", "gps", "qr")
_BY_HAND: Final = 0.08
_REASONS: Final = ("The phone found no position in the stairwell", "The tag at the door could not be read")


class Doors:
    """How a carer proves to be at a home: by what is at the door, by position, and now and then by hand."""

    def __init__(self, phones: Phones, coordinator: Actor) -> None:
        self._phones = phones
        self._coordinator = coordinator
        self._codes: dict[str, str] = {}  # resident → what the tag at the door holds

    async def proof(self, stop: dict[str, Any], way: int) -> dict[str, Any]:
        """Return what a carer shows at a stop of their day; homes have their ``way`` by its remainder."""
        dice = behaviour.chance("proof", stop["name"], stop["starts_at"])
        if dice.random() < _BY_HAND:
            return {"how": "manual", "reason": dice.choice(_REASONS)}
        how = _WAYS[way % len(_WAYS)]
        if how != "gps":
            return {"how": how, "code": await self._code(stop["resident_id"], how)}
        if stop["latitude"] is None:
            return {"how": "manual", "reason": "The home is not on the map"}
        return {"how": how, "latitude": stop["latitude"], "longitude": stop["longitude"], "accuracy": 15}

    async def _code(self, resident_id: str, kind: str) -> str:
        """Return what the tag at a door holds. It is shown once: whoever does not know it any more puts up another."""
        if resident_id not in self._codes:
            path = f"/v1/residents/{uuid.UUID(resident_id)}/door-tags"
            for tag in (await self._phones.ask(self._coordinator, "GET", path))["items"]:
                if tag["revoked_at"] is None:
                    await self._phones.ask(self._coordinator, "DELETE", f"{path}/{tag['id']}")
            made = await self._phones.ask(self._coordinator, "POST", path, {"kind": kind})
            self._codes[resident_id] = made["code"]
        return self._codes[resident_id]
