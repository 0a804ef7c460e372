"""The demo's connected home: one resident's, who lives alone, and whom her family let look after it for her."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.settings import settings
from app.demo.client import Phones
from app.demo.community import TIME_ZONE, Resident, Village

LIVES_THERE: Final = 2
"""The number of the resident whose home it is."""
MANAGES: Final = 1
"""Who of her circle looks after the home, counted from nought: a grandchild."""
_FILE: Final = "home.env"
_NAME: Final = "Orchard Street"
_FAMILY: Final = ("home:activity",)
_MANAGER: Final = ("home:activity", "home:read", "home:control", "home:manage")
_PASSIVE: Final = {"passive_before": "PT1H", "passive_wait": "PT1H"}


@dataclass(frozen=True, slots=True)
class SmartHome:
    """The home as it is known to Hearthline, and as whom its hub enters the broker."""

    id: str
    key: str
    secret: str

    def url(self) -> str:
        """Return the door of the demo's broker, for this home."""
        host, port, _ = settings().mqtt.address()
        return f"mqtt://{self.key}:{self.secret}@{host}:{port}"


def lives_there(village: Village) -> Resident | None:
    """Return whose home it is; ``None`` where too few people live."""
    return village.numbered(LIVES_THERE)


async def arrange(phones: Phones, village: Village) -> SmartHome | None:
    """Set up what of the home is not there yet, and return it; ``None`` where nobody lives in it."""
    resident = lives_there(village)
    if resident is None:
        return None
    homes = (await phones.ask(resident.actor, "GET", "/v1/me/homes"))["items"]
    home = next((one for one in homes if one["name"] == _NAME and one["state"] == "active"), None)
    if home is None:
        wanted = {"name": _NAME, "lives_alone": True}
        home = await phones.ask(resident.actor, "POST", "/v1/me/homes", wanted)
        await phones.ask(resident.actor, "PUT", f"/v1/residents/{resident.id}/homes/{home['id']}/panel", {})
    await _let_in_family(phones, resident)
    await _let_home_answer(phones, resident)
    return await _with_credentials(phones, resident, home)


async def _let_in_family(phones: Phones, resident: Resident) -> None:
    """Let the circle see how the day went in the home, and the one who looks after it everything."""
    granted = (await phones.ask(resident.actor, "GET", "/v1/me/grants?limit=100"))["items"]
    for number, member in enumerate(resident.circle):
        wanted = set(_MANAGER if number == MANAGES else _FAMILY)
        for grant in granted:
            is_theirs = grant["grantee"]["account_id"] == str(member.actor.id) and grant["kind"] == "consent"
            if is_theirs and not wanted <= set(grant["scopes"]):
                body = {"scopes": sorted({*grant["scopes"], *wanted})}
                await phones.ask(resident.actor, "PATCH", f"/v1/me/grants/{grant['id']}", body)


async def _let_home_answer(phones: Phones, resident: Resident) -> None:
    """Have the usual morning in the home answer in her place; she is called only where it does not."""
    plans = (await phones.ask(resident.actor, "GET", "/v1/me/check-in-plans"))["items"]
    ours = next((plan for plan in plans if plan["state"] == "active"), None)
    if ours is not None and ours["passive_wait"] is None:
        today = clock.now().astimezone(ZoneInfo(TIME_ZONE)).date()
        plan = {**resident.neighbour.plan, **_PASSIVE, "starts_on": today.isoformat()}
        await phones.ask(resident.actor, "PUT", f"/v1/me/check-in-plans/{ours['id']}", plan)


async def _with_credentials(phones: Phones, resident: Resident, home: dict[str, Any]) -> SmartHome:
    """Keep those of the last time; the secret is shown once, so others are made where it is lost."""
    known = remembered()
    if known is not None and known.id == home["id"] and home["has_credentials"]:
        return known
    path = f"/v1/homes/{home['id']}/credentials"
    made = await phones.ask(resident.actor, "POST", f"{path}/rotation" if home["has_credentials"] else path)
    found = SmartHome(home["id"], made["username"], made["secret"])
    _remember(found)
    return found


def file() -> Path:
    """Return where the home's credentials are."""
    return settings().directory / _FILE


def remembered() -> SmartHome | None:
    """Return the home as it was written down the last time, if it was."""
    if not file().exists():
        return None
    pairs = (word.partition("=") for line in file().read_text().splitlines() for word in shlex.split(line))
    known = {name: value for name, _, value in pairs}
    return SmartHome(known["home"], known["key"], known["secret"])


def _remember(home: SmartHome) -> None:
    file().parent.mkdir(parents=True, exist_ok=True)
    text = f"home={home.id}\nkey={home.key}\nsecret={home.secret}\n"
    with os.fdopen(os.open(file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        written.write(text)
