"""Where one can go in the demo: museums, a garden and an old mill, what a visit costs, and cards that open gates."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.demo.client import Phones
from app.demo.community import TIME_ZONE, Resident, Village, every
from app.demo.people import LAKE

_CURRENCY: Final = "USD"
MUSEUM: Final = "Boat Museum"
GARDEN: Final = "Lakeshore Garden"
MILL: Final = "Old Mill"
LIGHTS: Final = "Museum of Light"
"""A museum that whoever visits the demo finds open at any hour."""
CLOSED_ON: Final = 1
"""The museum's weekday without visitors (ISO)."""
_SEASON: Final = timedelta(days=365)
_WEEK: Final = (1, 2, 3, 4, 5, 6, 7)
_STEP_FREE: Final = {"step_free": True, "accessible_toilet": True, "wheelchair_loan": True, "defibrillator": True}


def _place(english: str, chinese: str, kind: str, north: float, east: float, **more: Any) -> dict[str, Any]:
    where = {"latitude": LAKE[0] + north, "longitude": LAKE[1] + east}
    return {"name": {"en": english, "zh-CN": chinese}, "kind": kind, **where, **more}


def _product(english: str, chinese: str, kind: str, dollars: int, needs: str | None = None) -> dict[str, Any]:
    return {
        "code": kind,
        "name": {"en": english, "zh-CN": chinese},
        "kind": kind,
        "price_amount": dollars * 100,
        "currency": _CURRENCY,
        "needs_entitlement": needs,
        "reentry": "same_day",
    }


_COMPANION: Final = _product("Companion", "陪同人员", "companion", 0, "companion")
PLACES: Final[tuple[dict[str, Any], ...]] = (
    _place(
        MUSEUM,
        "船舶博物馆",
        "museum",
        0.002,
        0.002,
        summary={"en": "Boats and nets of the lake", "zh-CN": "湖上的船与网"},
        tags=["boats", "indoors"],
        capacity=60,
        seating_distance=40,
        audio_guide=True,
        access_note={"en": "The ramp is at the side of the quay.", "zh-CN": "坡道在码头一侧。"},
        **_STEP_FREE,
    ),
    _place(
        GARDEN,
        "湖畔花园",
        "garden",
        -0.002,
        -0.004,
        summary={"en": "Level paths along the water, open at all hours", "zh-CN": "水边的平坦小路，全天开放"},
        tags=["outdoors"],
        capacity=200,
        seating_distance=80,
        **_STEP_FREE,
    ),
    _place(
        MILL,
        "老磨坊",
        "historic",
        0.004,
        -0.005,
        summary={"en": "A water mill of 1840, up a steep stair", "zh-CN": "1840年的水磨坊，楼梯较陡"},
        tags=["indoors"],
        step_free=False,
    ),
    _place(
        LIGHTS,
        "灯光博物馆",
        "museum",
        0.001,
        -0.001,
        summary={"en": "Lamps and lighthouses, open day and night", "zh-CN": "灯具与灯塔，昼夜开放"},
        tags=["indoors"],
        capacity=80,
        seating_distance=30,
        **_STEP_FREE,
    ),
)
HOURS: Final[Mapping[str, dict[str, Any]]] = {
    MUSEUM: {"weekdays": [day for day in _WEEK if day != CLOSED_ON], "starts": "10:00", "ends": "17:00"},
    GARDEN: {"weekdays": list(_WEEK), "starts": "00:00", "ends": "24:00"},
    MILL: {"weekdays": [6, 7], "starts": "11:00", "ends": "16:00"},
    LIGHTS: {"weekdays": list(_WEEK), "starts": "00:00", "ends": "24:00"},
}
PRODUCTS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    MUSEUM: (_product("Adult", "成人", "adult", 12), _product("Senior", "老年人", "senior", 6, "senior"), _COMPANION),
    GARDEN: (_product("Day ticket", "一日票", "adult", 4), _COMPANION),
    LIGHTS: (_product("Adult", "成人", "adult", 8), _COMPANION),
}
"""What is sold; a companion of who has a disability card comes along for nothing."""
_SLOTS: Final[Mapping[str, dict[str, Any]]] = {
    MUSEUM: {
        "name": "Every hour",
        "weekdays": HOURS[MUSEUM]["weekdays"],
        "times": ["10:00", "11:00", "13:00", "14:00", "15:00"],
        "duration": "PT2H",
        "entry_within": "PT45M",
        "capacity": 20,
    },
    GARDEN: {"name": "All day", "times": ["00:00"], "duration": "PT24H", "capacity": 150},
    LIGHTS: {
        "name": "Every hour",
        "times": [f"{hour:02}:00" for hour in range(24)],
        "duration": "PT3H",
        "entry_within": "PT2H",
        "capacity": 25,
    },
}
_TERMS: Final = {
    "refunds": [{"notice_hours": 24, "percent": 100}, {"notice_hours": 1, "percent": 50}],
    "pays_at_desk": True,
}
GATES: Final[Mapping[str, str]] = {MUSEUM: "Quay door", GARDEN: "Garden gate", LIGHTS: "Lamp room"}
_SCHEMES: Final[tuple[dict[str, Any], ...]] = (
    {
        "code": "disability",
        "name": {"en": "Disability card", "zh-CN": "残疾人证"},
        "symbols": "alphanumeric",
        "shortest": 8,
        "longest": 12,
        "entitlements": ["free_entry", "companion"],
    },
    {
        "code": "senior",
        "name": {"en": "Senior card", "zh-CN": "老年人优待证"},
        "symbols": "alphanumeric",
        "shortest": 8,
        "longest": 12,
        "entitlements": ["senior"],
    },
)
WITH_CARD: Final[Mapping[int, str]] = {0: "disability", 2: "disability", 4: "senior"}
"""Kinds of cards by numbers of residents; the first is the one visitors act as."""


def keeper(village: Village) -> Actor:
    """Return who keeps the attractions."""
    return village.at("attraction", "coordinator")[0]


def gatekeeper(village: Village) -> Actor:
    """Return who sells at the office and scans at the gates."""
    return village.at("attraction", "worker")[0]


def path_of(village: Village) -> str:
    """Return the path of the organization that runs the attractions."""
    return f"/v1/organizations/{keeper(village).memberships[0].organization_id}"


def card_number(resident: Resident) -> str:
    """Return what stands on a resident's card."""
    return f"LS-CARD-{resident.neighbour.number:04}"


async def places(phones: Phones, village: Village) -> dict[str, str]:
    """Return the ids of the attractions everybody sees by their English names."""
    known = await every(phones, keeper(village), f"{path_of(village)}/attractions?limit=100")
    return {one["name"]["en"]: one["id"] for one in known if one["state"] == "published"}


async def arrange_attractions(phones: Phones, village: Village) -> None:
    """Set up what of the attractions is not there yet; called again, it changes nothing."""
    known = await places(phones, village)
    for place in PLACES:
        if place["name"]["en"] not in known:
            await _open(phones, village, place)
    schemes = {one["code"] for one in await every(phones, village.operator, "/v1/card-schemes?limit=100")}
    for scheme in _SCHEMES:
        if scheme["code"] not in schemes:
            await phones.ask(village.operator, "POST", "/v1/card-schemes", scheme)
    for number, code in WITH_CARD.items():
        resident = village.numbered(number)
        if resident is not None:
            await _link(phones, village, resident, code)


async def _open(phones: Phones, village: Village, place: dict[str, Any]) -> None:
    """Have an attraction be seen, last of all: one that is half done nobody finds, and it is begun anew."""
    name, who = place["name"]["en"], keeper(village)
    attraction = (await phones.ask(who, "POST", f"{path_of(village)}/attractions", place))["id"]
    path = f"{path_of(village)}/attractions/{attraction}"
    await phones.ask(who, "PUT", f"{path}/hours", {"hours": [HOURS[name]]})
    if name in PRODUCTS:
        for product in PRODUCTS[name]:
            await phones.ask(who, "POST", f"{path}/ticket-products", product)
        await phones.ask(who, "PUT", f"{path}/ticket-terms", _TERMS)
        today = clock.now().astimezone(ZoneInfo(TIME_ZONE)).date()
        season = {"starts_on": today.isoformat(), "ends_on": (today + _SEASON).isoformat()}
        template = await phones.ask(who, "POST", f"{path}/slot-templates", {**_SLOTS[name], **season})
        made = f"{path_of(village)}/slot-templates/{template['id']}/generation"
        await phones.ask(who, "POST", made, {})
        await phones.ask(who, "POST", f"/v1/attractions/{attraction}/gates", {"name": GATES[name]})
        opened_by = {"free_entitlements": ["free_entry"], "admits_companion": True}
        await phones.ask(who, "PUT", f"/v1/attractions/{attraction}/gate-rules", opened_by)
    await phones.ask(who, "POST", f"{path}/publication")


async def _link(phones: Phones, village: Village, resident: Resident, code: str) -> None:
    path = f"/v1/residents/{resident.id}/citizen-cards"
    if (await phones.ask(resident.actor, "GET", path))["items"]:
        return
    card = await phones.ask(resident.actor, "POST", path, {"scheme": code, "number": card_number(resident)})
    await phones.ask(village.operator, "POST", f"/v1/citizen-cards/{card['id']}/verification", {})
