"""The practice of the demo: its departments, rooms and hours, who sees people there, and what can be booked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core import clock
from app.core.access import Actor
from app.demo.client import Phones
from app.demo.community import DOCTOR_ON_CALL, PHYSICIAN, PRACTICE_PHONE, TIME_ZONE, Village
from app.demo.people import LAKE

VIDEO: Final = "Video visit"
AT_ONCE: Final = "Video visit, at once"
IN_PERSON: Final = "Visit at the practice"
BY_PHONE: Final = "Telephone call"
AT_HOME: Final = "Home visit"
HEART: Final = "Heart consultation"
_NURSE: Final = "Practice nurse"
_HEART_SPECIALIST: Final = "Heart specialist"

_WORKDAYS: Final = (1, 2, 3, 4, 5)
_ALL_DAYS: Final = (1, 2, 3, 4, 5, 6, 7)
_WEDNESDAY: Final = (3,)
_DEPARTMENTS: Final = (
    {"en": "General practice", "zh-CN": "全科"},
    {"en": "Cardiology", "zh-CN": "心内科"},
)
_ROOMS: Final = ("Room 1", "Room 2")
_PLACE: Final = {
    "name": {"en": "Main house", "zh-CN": "本部"},
    "address": "3 Lake Road, Lakeside",
    "latitude": LAKE[0],
    "longitude": LAKE[1],
    "time_zone": TIME_ZONE,
}
_Hours = Sequence[tuple[Sequence[int], str, str]]
_PEOPLE: Final[Mapping[str, tuple[str, Sequence[str], str, _Hours]]] = {
    PHYSICIAN: (
        "general_practice",
        ("en", "es"),
        "General practice",
        ((_WORKDAYS, "09:00", "12:00"), (_WORKDAYS, "14:00", "17:00")),
    ),
    # Whoever visits the demo finds somebody at any hour.
    DOCTOR_ON_CALL: ("on_call", ("en", "zh-CN"), "General practice", ((_ALL_DAYS, "00:00", "24:00"),)),
    _NURSE: ("nursing", ("en", "zh-CN"), "General practice", ((_WORKDAYS, "08:00", "16:00"),)),
    # Three hours a week: there is always somebody who waits for one of them.
    _HEART_SPECIALIST: ("cardiology", ("en", "de"), "Cardiology", ((_WEDNESDAY, "09:00", "12:00"),)),
}
"""By name: specialty, languages, department and hours."""
_QUESTION: Final = {
    "key": "since",
    "text": {"en": "Since when, and does anything hurt?", "zh-CN": "从什么时候开始的？哪里疼吗？"},
    "shows_emergency": True,
}


def _type(chinese: str, mode: str, specialty: str, minutes: int, dollars: int, **more: Any) -> dict[str, Any]:
    price = {"amount": dollars * 100, "currency": "USD"}
    return {
        "chinese": chinese,
        "mode": mode,
        "specialty": specialty,
        "duration": f"PT{minutes}M",
        "price": price,
        "horizon": "P14D",
        **more,
    }


_VISIT_TYPES: Final[Mapping[str, dict[str, Any]]] = {
    VIDEO: _type("视频就诊", "video", "general_practice", 20, 45),
    AT_ONCE: _type("即时视频就诊", "video", "on_call", 15, 60, horizon="P1D"),
    IN_PERSON: _type(
        "门诊",
        "in_person",
        "general_practice",
        30,
        70,
        needs=["room"],
        notice_period="PT24H",
        late_fee_amount=2000,
        checklist=[_QUESTION],
    ),
    BY_PHONE: _type("电话问诊", "phone", "nursing", 10, 20),
    AT_HOME: _type("上门护理", "home", "nursing", 45, 80, buffer_before="PT15M", buffer_after="PT15M"),
    HEART: _type("心内科门诊", "in_person", "cardiology", 60, 160, needs=["room"], horizon="P8D"),
}
EVERYDAY: Final = (VIDEO, IN_PERSON, BY_PHONE, AT_HOME)
"""What people book on any day."""


def keeper(village: Village) -> Actor:
    """Return who keeps the practice's diary."""
    return village.at("clinic", "coordinator")[0]


def path_of(village: Village) -> str:
    """Return the path of the practice."""
    return f"/v1/clinics/{keeper(village).memberships[0].organization_id}"


async def visit_types(phones: Phones, village: Village) -> dict[str, str]:
    """Return the ids of what can be booked, by name."""
    return await _known(phones, village, "visit-types")


async def _known(phones: Phones, village: Village, what: str) -> dict[str, str]:
    page = await phones.ask(keeper(village), "GET", f"{path_of(village)}/{what}?limit=100")
    names = ((row["name"], row["id"]) for row in page["items"])
    return {name["en"] if isinstance(name, dict) else name: row_id for name, row_id in names}


async def arrange_clinic(phones: Phones, village: Village) -> None:
    """Set up what of the practice is not there yet."""
    actor, path = keeper(village), path_of(village)
    clinics = (await phones.ask(actor, "GET", "/v1/clinics"))["items"]
    if not any(str(actor.memberships[0].organization_id) == one["organization_id"] for one in clinics):
        await phones.ask(actor, "PUT", path, {"time_zone": TIME_ZONE, "phone": PRACTICE_PHONE})
    departments = await _add(phones, village, "departments", {name["en"]: {"name": name} for name in _DEPARTMENTS})
    places = await _add(phones, village, "locations", {"Main house": _PLACE})
    rooms = {name: {"name": name, "kind": "room", "location_id": places["Main house"]} for name in _ROOMS}
    await _add(phones, village, "bookable-resources", rooms)
    await _add(phones, village, "visit-types", {name: _named(name, said) for name, said in _VISIT_TYPES.items()})
    accounts = dict(zip((PHYSICIAN, DOCTOR_ON_CALL), village.staff["clinician"], strict=True))
    people = {
        name: {
            "name": name,
            "department_id": departments[department],
            "licence_number": f"LS-{specialty}",
            "licence_valid_until": f"{clock.now().year + 5}-12-31",
            "specialties": [specialty],
            "languages": list(languages),
            "account_id": str(accounts[name].id) if name in accounts else None,
        }
        for name, (specialty, languages, department, _) in _PEOPLE.items()
    }
    known = await _add(phones, village, "practitioners", people)
    for name, (*_, hours) in _PEOPLE.items():
        kept = f"{path}/practitioners/{known[name]}/availability"
        if not (await phones.ask(actor, "GET", kept))["hours"]:
            await phones.ask(actor, "PUT", kept, {"hours": _weekly(hours, places["Main house"])})


def _weekly(hours: _Hours, location_id: str) -> list[dict[str, Any]]:
    return [
        {
            "weekday": weekday,
            "starts": starts,
            "ends": ends,
            "location_id": location_id,
            "on_holidays": days == _ALL_DAYS,
        }
        for days, starts, ends in hours
        for weekday in days
    ]


def _named(name: str, said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != "chinese"} | {
        "name": {"en": name, "zh-CN": said["chinese"]}
    }


async def _add(phones: Phones, village: Village, what: str, wanted: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """Add those that are not there, and return the ids of all by name."""
    known = await _known(phones, village, what)
    missing = [body for name, body in wanted.items() if name not in known]
    for body in missing:
        await phones.ask(keeper(village), "POST", f"{path_of(village)}/{what}", body)
    return await _known(phones, village, what) if missing else known
