"""Who acts for somebody in the demo: a relative with a power of attorney, which the operator has looked at."""

from typing import Final

from app.demo import pictures
from app.demo.client import Phones
from app.demo.community import Resident, Village

_SCOPES: Final = ("profile:read", "contacts:read", "check_ins:read", "alarms:read", "grants:manage")
_WRITTEN: Final = "POWER OF ATTORNEY\n\nThis is a document of the demo community.\nIt was signed by nobody."


def _represented(village: Village) -> Resident | None:
    """Return the first resident who has difficulties with memory."""
    residents = sorted(village.residents.values(), key=lambda resident: resident.neighbour.number)
    return next((one for one in residents if "memory" in one.neighbour.create["accessibility_needs"]), None)


async def arrange_proxy(phones: Phones, village: Village) -> None:
    """Have the first of a resident's circle propose themselves, and the operator check it, unless it is done."""
    resident = _represented(village)
    if resident is None:
        return
    path = f"/v1/residents/{resident.id}/proxies"
    if (await phones.ask(village.operator, "GET", path))["items"]:
        return
    relative = resident.circle[0].actor
    document = await phones.upload(relative, "document", pictures.PNG, pictures.picture(_WRITTEN))
    proposal = {
        "account_id": str(relative.id),
        "basis": "power_of_attorney",
        "document_id": document,
        "scopes": list(_SCOPES),
    }
    proposed = await phones.ask(relative, "POST", path, proposal)
    await phones.ask(village.operator, "POST", f"/v1/proxies/{proposed['id']}/check", {"decision": "accept"})
