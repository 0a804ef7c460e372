"""How a day went at home, as far as it is shared: lively or quiet, room by room, and no single event."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.portal.charts.days import QUARTERS, DayWords, RoomDay, day_picture
from app.portal.ground.wording import begun
from app.portal.residents.knowing import Known

_KNOWN_KINDS: Final = ("bedroom", "bathroom", "kitchen", "living_room", "hall", "entrance", "balcony")


async def home(person: Known, words: Mapping[str, str], day: date | None) -> dict[str, Any]:
    """Return the picture of a day (default: today there) of each home that is shared; raises ``Refused``."""
    today = person.their.today()
    chosen = min(day or today, today)
    found = await person.ask("home-activity", day=chosen)
    return {
        "day": chosen,
        "earlier": chosen - timedelta(days=1),
        "later": chosen + timedelta(days=1) if chosen < today else None,
        "is_today": chosen == today,
        "homes": [_home(person, one, words) for one in found["items"]],
    }


def _home(person: Known, one: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    rooms = [
        RoomDay(label, room["quarters"], room["usual"])
        for label, room in zip(_labels(one["rooms"], words), one["rooms"], strict=True)
    ]
    said = DayWords(
        words["day_title"],
        words["day_description"].format(name=person.name),
        words["room"],
        words["active_times"],
        words["usual_times"],
        (words["level_0"], words["level_1"], words["level_2"], words["level_3"]),
        words["no_activity"],
    )
    known = QUARTERS if one["is_over"] else _quarter(clock.now(), ZoneInfo(one["time_zone"]))
    return {
        **one,
        "picture": day_picture(rooms, said, person.visit.language, known_until=known),
        "has_usual": any(room.usual for room in rooms),
    }


def _labels(rooms: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> list[str]:
    """Return what the rooms are called: by their kind, with a number where there are two of one kind."""
    kinds = [room["kind"] if room["kind"] in _KNOWN_KINDS else "other" for room in rooms]
    many, seen, labels = Counter(kinds), Counter[str](), []
    for kind in kinds:
        seen[kind] += 1
        labels.append(begun(words[f"room_{kind}"]) + (f" {seen[kind]}" if many[kind] > 1 else ""))
    return labels


def _quarter(now: datetime, zone: ZoneInfo) -> int:
    """Return which quarter of an hour of the day it is there, by the clock on the wall."""
    local = now.astimezone(zone)
    return local.hour * 4 + local.minute // 15 + 1
