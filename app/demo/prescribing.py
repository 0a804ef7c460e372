"""What the demo's doctors prescribe after a video visit, and who confirms it: the last one always waits."""

from typing import Any, Final

from app.core import clock
from app.core.access import Actor
from app.demo import medication
from app.demo.client import Attempt, Phones
from app.demo.community import Resident

_ATC: Final = "http://www.whocc.no/atc"
_REASON: Final = "I still have some of it, and my daughter puts it out for me."


def _content(code: str, name: str, dosage: str, times: int) -> dict[str, Any]:
    return {
        "medication": {"coding": {"system": _ATC, "code": code}, "text": name},
        "dosage": dosage,
        "timing": {"frequency": times},
        "dose": {"value": 1, "unit": "{tablet}"},
        "dispense": {"value": 28 * times, "unit": "{tablet}"},
        "supply_days": 28,
        "repeats": 2,
    }


PRESCRIBED: Final = (
    _content("C08CA01", "Amlodipine 5 mg", "1 tablet in the evening", 1),
    _content("A02BC01", "Omeprazole 20 mg", "1 tablet before breakfast", 1),
    _content("C03AA03", "Hydrochlorothiazide 12.5 mg", "1 tablet in the morning and at night", 2),
)


class Prescriptions:
    """The doctors' prescriptions, and the one that nobody has confirmed yet."""

    def __init__(self, phones: Phones, attempt: Attempt) -> None:
        self._phones = phones
        self._attempt = attempt
        self._waiting: Resident | None = None

    async def prescribe(self, resident: Resident, doctor: Actor, content: dict[str, Any]) -> None:
        """Draft and sign a prescription; what waited until now is answered, so that one does at any time."""
        path = f"/v1/residents/{resident.id}/prescriptions"
        draft = await self._attempt(doctor, path, {"content": content})
        if draft is None or await self._attempt(doctor, f"{path}/{draft['id']}/signature", {}) is None:
            return
        before, self._waiting = self._waiting, resident
        if before is not None:
            await self._answer(before)

    async def _answer(self, resident: Resident) -> None:
        """Confirm what waits, by who is reminded of what they take; others say why not."""
        path = "/v1/me/regimen-proposals"
        for proposal in (await self._phones.ask(resident.actor, "GET", f"{path}?state=proposed"))["items"]:
            one, said = f"{path}/{proposal['id']}", proposal["suggestion"]
            if said is None or not medication.takes(resident.neighbour.number):
                await self._attempt(resident.actor, f"{one}/rejection", {"reason": _REASON})
                continue
            plan = {name: said[name] for name in ("timing", "times", "quantity", "unit")}
            begun = {**plan, "starts_on": str(clock.now().date())}
            if confirmed := await self._attempt(resident.actor, f"{one}/confirmation", begun):
                stock = f"/v1/me/regimens/{confirmed['regimen_id']}/stock"
                await self._phones.ask(resident.actor, "PUT", stock, {"on_hand": medication.PACK})
