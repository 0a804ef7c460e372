"""Help at home in the demo: the catalogue, a provider with its people and prices, and who pays a part of it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from app.core import clock
from app.core.access import Actor
from app.demo import behaviour, names
from app.demo.client import Phones
from app.demo.community import PROVIDER, Resident, Village, every
from app.demo.people import LAKE

_CURRENCY: Final = "USD"
_AROUND: Final = {"code": "lakeside", "latitude": LAKE[0], "longitude": LAKE[1], "radius": 8_000}


def _service(english: str, chinese: str, category: str, skill: str, minutes: int, dollars: int, **more: Any) -> Any:
    return {
        "name": {"en": english, "zh-CN": chinese},
        "category": category,
        "skills": [skill],
        "expected_duration": f"PT{minutes}M",
        "amount": dollars * 100,
        **more,
    }


def _step(code: str, english: str, chinese: str) -> dict[str, Any]:
    return {"code": code, "text": {"en": english, "zh-CN": chinese}}


SERVICES: Final[Mapping[str, dict[str, Any]]] = {
    "cleaning": _service(
        "Cleaning",
        "保洁",
        "cleaning",
        "cleaning",
        60,
        32,
        checklist=[_step("kitchen", "Kitchen and bathroom", "厨房和卫生间"), _step("floors", "Floors", "地面")],
    ),
    "repair": _service("Small repairs", "小修小补", "repair", "repair", 60, 48, dispatch="offer"),
    "meals": _service("A warm lunch, cooked at home", "上门做午餐", "meals", "cooking", 60, 24, dispatch="offer"),
    "bathing": _service("Help with bathing", "助浴", "personal_care", "bathing", 45, 38, certificates=["bathing"]),
    "escort": _service("Company to the doctor", "陪同就医", "escort", "escort", 120, 52),
    "laundry": _service("Laundry", "洗衣", "laundry", "cleaning", 45, 20, dispatch="offer"),
    "haircut": _service("Haircut at home", "上门理发", "haircut", "hairdressing", 30, 28),
}
"""By code: what the catalogue says, what the provider takes, and how it finds somebody."""
_OF_OFFER: Final = ("amount", "dispatch")
_WORKDAYS: Final = (1, 2, 3, 4, 5)
_ALL_DAYS: Final = (1, 2, 3, 4, 5, 6, 7)
_LONG_SHIFT: Final = ("08:00", "17:00", "PT45M")
_ANY_HOUR: Final = ("00:00", "24:00", "PT45M")
AT_ANY_HOUR: Final = 0
"""The worker who comes at any hour: whoever visits the demo finds somebody."""
PEOPLE: Final[tuple[tuple[int, str, str, str, tuple[int, ...]], ...]] = (
    (2, "female", "car", "cleaning cooking", _ALL_DAYS),
    (1, "male", "bicycle", "cleaning cooking", _ALL_DAYS),
    (4, "female", "car", "repair", _WORKDAYS),
    (3, "male", "car", "bathing escort", _ALL_DAYS),
    (1, "female", "bicycle", "bathing hairdressing", _WORKDAYS),
    (0, "male", "on_foot", "escort hairdressing", _WORKDAYS),
    (5, "female", "bicycle", "cleaning repair", _ALL_DAYS),
)
"""Of each worker the tongue their name is of, their sex, how they go, what they can do, and their days."""
_PROVED: Final = "bathing"
_CERTIFIED_FOR: Final = timedelta(days=400)
_VOUCHER: Final[dict[str, Any]] = {
    "kind": "city_voucher",
    "name": {"en": "City voucher for older people", "zh-CN": "城市养老服务券"},
    "categories": ["cleaning", "laundry", "meals", "personal_care"],
    "rate": 6_000,
    "month_cap": 15_000,
    "budget_amount": 2_000_000,
}
ENTITLED: Final = (2, 4, 7, 9, 14)
"""Numbers of residents who have the city's voucher."""
WITH_CARD: Final = (2, 7, 9, 15)
"""Numbers of residents who have saved a card, at the local twin; the demo's own orders are paid at the door."""
_CARD: Final = "4242"
_FEE: Final = 500
_PAID_OUT: Final = {"cadence": "weekly", "day": 3, "minimum_amount": 100, "hold_days": 1}
_ISSUER: Final = {"name": f"{PROVIDER}, LLC", "address": "21 Mill Path, Lakeside"}


def desk(village: Village) -> Actor:
    """Return who keeps the provider's orders."""
    return village.at("provider", "coordinator")[0]


def workers(village: Village) -> list[Actor]:
    """Return those who come to people's homes."""
    return village.at("provider", "worker")


def path_of(village: Village) -> str:
    """Return the path of the provider."""
    return f"/v1/organizations/{desk(village).memberships[0].organization_id}"


async def offers(phones: Phones, village: Village) -> dict[str, str]:
    """Return the ids of what the provider offers, by the code of the service."""
    services = await every(phones, village.operator, "/v1/home-services?limit=100")
    codes = {one["id"]: one["code"] for one in services}
    known = await every(phones, desk(village), f"{path_of(village)}/service-offers?limit=100")
    return {codes[one["service_id"]]: one["id"] for one in known}


async def arrange_home_services(phones: Phones, village: Village) -> None:
    """Set up what of the provider is not there yet; called again, it changes nothing."""
    await _sell(phones, village)
    await _employ(phones, village)
    await _have_a_part_paid(phones, village)
    await _have_paid_out(phones, village)
    for resident in map(village.numbered, WITH_CARD):
        if resident is not None and await card_of(phones, resident) is None:
            await _save_card(phones, resident)


async def card_of(phones: Phones, resident: Resident) -> str | None:
    """Return the id of the card a resident has saved, if any."""
    cards = (await phones.ask(resident.actor, "GET", "/v1/me/payment-methods"))["items"]
    return next((card["id"] for card in cards if card["state"] == "active"), None)


async def _save_card(phones: Phones, resident: Resident) -> None:
    path = "/v1/me/payment-methods"
    begun = await phones.ask(resident.actor, "POST", path)
    await phones.ask(None, "POST", "/demo/card-setups", {"client_secret": begun["client_secret"], "last4": _CARD})
    await phones.ask(resident.actor, "POST", f"{path}/{begun['payment_method']['id']}/confirmation")


async def _sell(phones: Phones, village: Village) -> None:
    services = await every(phones, village.operator, "/v1/home-services?limit=100")
    known = {one["code"]: one["id"] for one in services}
    offered = await offers(phones, village)
    for code, said in SERVICES.items():
        if code not in known:
            body = {key: value for key, value in said.items() if key not in _OF_OFFER} | {"code": code}
            known[code] = (await phones.ask(village.operator, "POST", "/v1/home-services", body))["id"]
        if code not in offered:
            offer = {key: said[key] for key in _OF_OFFER if key in said} | {
                "service_id": known[code],
                "unit": "visit",
                "currency": _CURRENCY,
                "shortest": said["expected_duration"],
                "weekend_percent": 25,
                "late_percent": 50,
                "answer_within": "PT2H",
                "areas": [_AROUND],
            }
            await phones.ask(desk(village), "POST", f"{path_of(village)}/service-offers", offer)


def profile(number: int) -> dict[str, Any]:
    """Return what the provider says of a worker."""
    tongue, sex, vehicle, *_ = PEOPLE[number]
    dice = behaviour.chance("worker", number)
    of = names.TONGUES[tongue]
    return {
        "display_name": names.name(dice, of)[0],
        "languages": sorted({"en", of.speaks}),
        "sex": sex,
        "vehicle": vehicle,
        "latitude": LAKE[0] + dice.uniform(-0.01, 0.01),
        "longitude": LAKE[1] + dice.uniform(-0.01, 0.01),
        "buffer": "PT10M",
    }


async def _employ(phones: Phones, village: Village) -> None:
    keeper, path = desk(village), f"{path_of(village)}/workers"
    known = {one["account_id"] for one in await every(phones, keeper, f"{path}?limit=100")}
    for number, account in enumerate(workers(village)):
        if str(account.id) in known:
            continue
        made = await phones.ask(keeper, "POST", path, {"account_id": str(account.id), **profile(number)})
        *_, skills, days = PEOPLE[number]
        own = f"{path}/{made['id']}"
        starts, ends, pause = _ANY_HOUR if number == AT_ANY_HOUR else _LONG_SHIFT
        hours = [{"weekday": day, "starts": starts, "ends": ends, "pause": pause} for day in days]
        await phones.ask(keeper, "PUT", f"{own}/hours", {"hours": hours})
        for skill in skills.split():
            await _can(phones, keeper, f"{own}/skills/{skill}", number if skill == _PROVED else None)


async def _can(phones: Phones, keeper: Actor, path: str, certificate: int | None) -> None:
    """Write down what somebody can do; a certificate has been looked at."""
    if certificate is None:
        await phones.ask(keeper, "PUT", path, {})
        return
    until = (clock.now() + _CERTIFIED_FOR).date()
    await phones.ask(keeper, "PUT", path, {"certificate_number": f"LS-{certificate:04}", "expires_on": str(until)})
    await phones.ask(keeper, "POST", f"{path}/verification")


async def _have_a_part_paid(phones: Phones, village: Village) -> None:
    path = "/v1/subsidy-programmes"
    known = (await phones.ask(village.operator, "GET", path))["items"]
    today = clock.now().date().isoformat()
    if not known:
        known = [await phones.ask(village.operator, "POST", path, {**_VOUCHER, "valid_from": today})]
    path = f"{path}/{known[0]['id']}/entitlements"
    entitled = {one["resident_id"] for one in await every(phones, village.operator, f"{path}?limit=100")}
    for number in ENTITLED:
        resident = village.numbered(number)
        if resident is not None and str(resident.id) not in entitled:
            entitlement = {"resident_id": str(resident.id), "valid_from": today}
            await phones.ask(village.operator, "POST", path, entitlement)


async def _have_paid_out(phones: Phones, village: Village) -> None:
    """Have the provider named on its invoices, and paid out every week what the platform collected for it."""
    path = path_of(village)
    if (await phones.ask(desk(village), "GET", f"{path}/platform-fee"))["rate"] == _FEE:
        return
    await phones.ask(village.operator, "PUT", f"{path}/payout-terms", _PAID_OUT)
    await phones.ask(desk(village), "POST", f"{path}/payout-account/onboarding", {"country": "US"})
    await phones.ask(desk(village), "PUT", f"{path}/invoice-issuer", _ISSUER)
    await phones.ask(village.operator, "PUT", f"{path}/platform-fee", {"rate": _FEE})
