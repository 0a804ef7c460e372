"""The sandbox clinic of the demo: what integrators try their software with, and the credentials for it.

Everything is done through the API as the clinic's own keeper, so that a reset can take away nothing of anybody else's.
"""

import os
import shlex
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.core import clock
from app.core.access import Actor
from app.core.settings import settings
from app.demo.client import Phones
from app.demo.community import CLINIC_SCOPES, SANDBOX, TIME_ZONE, Post, Village, add_organization, appointed, every
from app.demo.people import LAKE

PHONE: Final = "+12135550120"
DOCTOR: Final = "Sandbox doctor"
_KEEPER: Final = Post(DOCTOR, "clinic", "coordinator", PHONE, also=("clinician",))
_FILE: Final = "sandbox.env"
_CLIENT: Final = "Sandbox software"
SCOPES: Final = (
    "profile:read",
    "appointments:manage",
    "vitals:read",
    "vitals:write",
    "consultations:read",
    "records:read",
    "records:write",
)
_AHEAD: Final = 31
_OPEN: Final = ("proposed", "pending", "booked")
_PLACE: Final = {
    "name": {"en": "Sandbox house", "zh-CN": "沙盒诊所"},
    "address": "9 Lake Road, Lakeside",
    "latitude": LAKE[0],
    "longitude": LAKE[1],
    "time_zone": TIME_ZONE,
}
_SERVICE: Final = {
    "name": {"en": "Sandbox visit", "zh-CN": "沙盒就诊"},
    "mode": "in_person",
    "duration": "PT20M",
    "price": {"amount": 4000, "currency": "USD"},
    "horizon": "P30D",
}
_EVERY_DAY: Final = [{"weekday": day, "starts": "08:00", "ends": "18:00", "on_holidays": True} for day in range(1, 8)]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The clinic, and who keeps it."""

    organization_id: str
    keeper: Actor

    @property
    def path(self) -> str:
        """Return the path of the clinic."""
        return f"/v1/clinics/{self.organization_id}"


Credential = Callable[[Phones, Sandbox, Mapping[str, str]], Awaitable[dict[str, str]]]
"""Returns the variables of one way to sign in, given those that are known from the last time."""


async def arrange(phones: Phones, village: Village) -> Sandbox:
    """Set up what of the sandbox is not there yet, write down its credentials, and return it."""
    known = await every(phones, village.operator, "/v1/organizations")
    organization_id = next((str(row["id"]) for row in known if row["name"] == SANDBOX), None)
    if organization_id is None:
        organization_id = await add_organization(phones, village.operator, "clinic", SANDBOX, CLINIC_SCOPES)
    keeper = await appointed(village.community_id, _KEEPER, uuid.UUID(organization_id))
    sandbox = Sandbox(organization_id, keeper)
    if not any(row["organization_id"] == organization_id for row in await every(phones, keeper, "/v1/clinics")):
        await set_diary(phones, sandbox, own=False)
    place = await _one(phones, sandbox, "locations", _PLACE)
    service = await _one(phones, sandbox, "visit-types", _SERVICE)
    doctor = await _one(phones, sandbox, "practitioners", _doctor(keeper))
    kept = f"{sandbox.path}/practitioners/{doctor}/availability"
    if not (await phones.ask(keeper, "GET", kept))["hours"]:
        hours = [day | {"location_id": place} for day in _EVERY_DAY]
        await phones.ask(keeper, "PUT", kept, {"hours": hours})
    await _write(phones, sandbox, doctor=doctor, service=service)
    return sandbox


def _doctor(keeper: Actor) -> dict[str, Any]:
    return {
        "name": DOCTOR,
        "licence_number": "SANDBOX-1",
        "licence_valid_until": f"{clock.now().year + 5}-12-31",
        "languages": ["en", "zh-CN"],
        "account_id": str(keeper.id),
    }


async def _one(phones: Phones, sandbox: Sandbox, what: str, body: Mapping[str, Any]) -> str:
    """Return the id of the one thing of a kind that the clinic has, added if there is none."""
    rows = (await phones.ask(sandbox.keeper, "GET", f"{sandbox.path}/{what}"))["items"]
    return str((rows[0] if rows else await phones.ask(sandbox.keeper, "POST", f"{sandbox.path}/{what}", body))["id"])


async def set_diary(phones: Phones, sandbox: Sandbox, *, own: bool) -> None:
    """Have the clinic keep its own diary, or Hearthline do so."""
    body = {"time_zone": TIME_ZONE, "phone": PHONE, "owns_diary": own}
    await phones.ask(sandbox.keeper, "PUT", sandbox.path, body)


async def reset(phones: Phones, sandbox: Sandbox) -> None:
    """Call off what lies ahead at the clinic, end its links to residents, and give its diary back."""
    for row in await every(phones, sandbox.keeper, f"{sandbox.path}/appointments?days={_AHEAD}&limit=100"):
        if row["status"] in _OPEN:
            await phones.ask(sandbox.keeper, "POST", f"/v1/appointments/{row['id']}/cancellation", {})
    for resident in await every(phones, sandbox.keeper, "/v1/residents?limit=100"):
        path = f"/v1/residents/{resident['resident_id']}/patient-links"
        for link in await every(phones, sandbox.keeper, path):
            if link["ended_at"] is None:
                await phones.ask(sandbox.keeper, "DELETE", f"/v1/patient-links/{link['id']}")
    await set_diary(phones, sandbox, own=False)


async def _api_key(phones: Phones, sandbox: Sandbox, known: Mapping[str, str]) -> dict[str, str]:
    """Keep the key of the last time as long as it is good; it is shown once, so another is made where it is lost."""
    path = f"/v1/organizations/{sandbox.organization_id}/api-clients"
    clients = (await phones.ask(sandbox.keeper, "GET", path))["items"]
    ours = next((one for one in clients if one["name"] == _CLIENT), None)
    if ours is not None and known.get("key_id") in {key["id"] for key in ours["keys"]}:
        return {name: known[name] for name in ("key", "key_id")}
    if ours is not None:
        await phones.ask(sandbox.keeper, "DELETE", f"{path}/{ours['id']}")
    made = await phones.ask(sandbox.keeper, "POST", path, {"name": _CLIENT, "scopes": list(SCOPES)})
    return {"key": made["api_key"], "key_id": made["key_id"]}


CREDENTIALS: Final[tuple[Credential, ...]] = (_api_key,)
"""Every way in which the sandbox's software signs in."""


def file() -> Path:
    """Return where the sandbox's addresses and credentials are, for a shell to read."""
    return settings().directory / _FILE


def _known() -> dict[str, str]:
    if not file().exists():
        return {}
    pairs = (word.partition("=") for line in file().read_text().splitlines() for word in shlex.split(line))
    return {name: value for name, _, value in pairs}


async def _write(phones: Phones, sandbox: Sandbox, *, doctor: str, service: str) -> None:
    known = _known()
    address = settings().http.public_url.rstrip("/")
    said = {"api": address, "fhir": f"{address}/fhir/R4", "clinic": sandbox.organization_id}
    said |= {"doctor": doctor, "service": service, "clinic_phone": PHONE}
    for credential in CREDENTIALS:
        said |= await credential(phones, sandbox, known)
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in said.items())
    descriptor = os.open(file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(text)
