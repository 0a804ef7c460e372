"""What circles of the demo do among themselves: they write to each other, go away, and take each other's turns."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo import behaviour, pictures
from app.demo.client import Attempt, Later, Phones
from app.demo.community import TIME_ZONE, Member, Resident, Village

_EVERY: Final = 10
_ZONE: Final = ZoneInfo(TIME_ZONE)
_MORNING: Final = time(8)
_AWAY: Final = (timedelta(days=5), timedelta(days=7))
_LUNCH: Final = time(13)
_PHOTO_ON: Final = 6
_PHOTOS: Final = (0, 10)
"""Numbers of residents whose family sends a picture on Sundays."""
_TURN: Final = (timedelta(days=8, hours=18), timedelta(days=9, hours=6))
_WORDS: Final = {
    "en": (
        "I'll bring the shopping on Saturday. Do we need anything else?",
        "We had tea together this afternoon, all in good spirits.",
        "The new glasses are ready, I'll pick them up tomorrow.",
        "Lunch on Sunday at one, at our place. I'll come with the car.",
        "I changed the light bulb in the hall.",
        "Who can come along to the doctor on Thursday?",
    ),
    "zh-CN": (
        "周六我带菜过来，还需要别的吗？",
        "今天下午一起喝了茶，大家心情都很好。",
        "新眼镜配好了，我明天去取。",
        "周日一点来我家吃饭，我开车来接。",
        "走廊的灯泡我换好了。",
        "周四谁能陪着去看医生？",
    ),
}
_ANSWERS: Final = {"en": ("Thank you, dear.", "I'm looking forward to it."), "zh-CN": ("谢谢你。", "好的，我等着。")}


def _talkative(village: Village) -> list[Resident]:
    return [one for one in village.residents.values() if one.neighbour.number % _EVERY == 0 and len(one.circle) > 1]


async def arrange_rota(phones: Phones, village: Village) -> None:
    """Let the first of some circles be away soon, and the second take one of their turns, unless that is agreed."""
    today = datetime.combine(clock.now().astimezone(_ZONE).date(), time(0), _ZONE)
    for resident in _talkative(village):
        circle = (await phones.ask(resident.actor, "GET", "/v1/me/circle"))["items"]
        giver, taker = resident.circle[:2]
        ids = {row["account_id"]: row["id"] for row in circle}
        of_giver, of_taker = (f"/v1/me/circles/{ids[str(one.actor.id)]}" for one in (giver, taker))
        if (await phones.ask(giver.actor, "GET", f"{of_giver}/absences"))["items"]:
            continue
        first, last = ((today + after).date().isoformat() for after in _AWAY)
        await phones.ask(giver.actor, "POST", f"{of_giver}/absences", {"starts_on": first, "ends_on": last})
        begins, ends = ((today + after).isoformat() for after in _TURN)
        offer = {"taker_id": ids[str(taker.actor.id)], "starts_at": begins, "ends_at": ends}
        swap = await phones.ask(giver.actor, "POST", f"{of_giver}/swaps", offer)
        await phones.ask(taker.actor, "POST", f"{of_taker}/swaps/{swap['id']}/acceptance")


class Conversations:
    """What is written in circles, and who reads it when."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt) -> None:
        self._phones = phones
        self._village = village
        self._later = later
        self._attempt = attempt

    def begin_day(self, day: date) -> None:
        """Look forward to what is said on a day."""
        begins = datetime.combine(day, _MORNING, _ZONE)
        for resident in _talkative(self._village):
            dice = behaviour.chance("message", resident.neighbour.number, day)
            at = begins + timedelta(minutes=dice.randrange(12 * 60))
            if dice.random() < 0.4 and at >= clock.now():
                writer = dice.choice(resident.circle)
                self._later(at, partial(self._write, resident, writer, dice.randrange(len(_WORDS["en"]))))
            lunch = datetime.combine(day, _LUNCH, _ZONE)
            if day.weekday() == _PHOTO_ON and resident.neighbour.number in _PHOTOS and lunch >= clock.now():
                self._later(lunch, partial(self._show, resident, resident.circle[0]))

    async def _show(self, resident: Resident, writer: Member) -> None:
        """Send the others a picture of the day."""
        photo = await self._phones.upload(writer.actor, "photo", pictures.PNG, pictures.picture("The lake", "azure"))
        await self._send(resident, writer, {"photo_ids": [photo]})

    async def _write(self, resident: Resident, writer: Member, which: int) -> None:
        language = resident.neighbour.create["language"]
        await self._send(resident, writer, {"text": _WORDS.get(language, _WORDS["en"])[which]})

    async def _send(self, resident: Resident, writer: Member, said: dict[str, Any]) -> None:
        language = resident.neighbour.create["language"]
        path = f"/v1/residents/{resident.id}/circle-messages"
        message = await self._attempt(writer.actor, path, said)
        if message is not None:
            dice = behaviour.chance("reading", resident.neighbour.number, message["written_at"])
            soon = clock.now() + timedelta(minutes=dice.randint(2, 90))
            answer = dice.choice(_ANSWERS.get(language, _ANSWERS["en"])) if dice.random() < 0.3 else None
            self._later(soon, partial(self._read, resident, message["id"], answer))
            other = next(member for member in resident.circle if member is not writer)
            mark = f"/v1/residents/{resident.id}/circle-read-marks"
            self._later(soon, partial(self._attempt, other.actor, mark, {"up_to": message["id"]}))

    async def _read(self, resident: Resident, message_id: str, answer: str | None) -> None:
        await self._attempt(resident.actor, "/v1/me/circle-read-marks", {"up_to": message_id})
        if answer is not None:
            await self._attempt(resident.actor, "/v1/me/circle-messages", {"text": answer})
