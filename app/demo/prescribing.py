"""What the demo's doctors prescribe after a video visit, and who confirms it: the last one always waits."""

from typing import Any, Final

from app.core import clock
from app.core.access import Actor
from app.demo.client import Attempt, Phones
from app.demo.community import Resident

_ATC: Final = "http://www.whocc.no/atc"


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
        """Draft and sign a prescription; what waited until now is confirmed, so that one does at any time."""
        path = f"/v1/residents/{resident.id}/prescriptions"
        draft = await self._attempt(doctor, path, {"content": content})
        if draft is None or await self._attempt(doctor, f"{path}/{draft['id']}/signature", {}) is None:
            return
        before, self._waiting = self._waiting, resident
        if before is not None and before is not resident:
            await self._confirm(before)

    async def _confirm(self, resident: Resident) -> None:
        path = "/v1/me/regimen-proposals"
        for proposal in (await self._phones.ask(resident.actor, "GET", f"{path}?state=proposed"))["items"]:
            said = proposal["suggestion"]
            if said is not None:
                plan = {name: said[name] for name in ("timing", "times", "quantity", "unit")}
                body = {**plan, "starts_on": str(clock.now().date())}
                await self._attempt(resident.actor, f"{path}/{proposal['id']}/confirmation", body)
