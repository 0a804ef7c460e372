"""Whom an order suits best, how many are asked at a time, and when it is looked again: pure decisions.

What somebody may not do (a skill, hours, rest, where they are by then, a wish for a woman) is never weighed against
anything: it is an obstacle, and a person decides about those that may be set aside. Of the others the one with the
most points goes, and of two with as many the one who was entered first, so that the same facts have the same answer.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from app.dispatch.api import Busy, Place, Reason, Shift, Speed, travel_time

Mode = Literal["assign", "offer"]
"""``assign``: Hearthline sends whoever suits best; ``offer``: several are asked, and the first to answer goes."""
OfferState = Literal["offered", "accepted", "declined", "lapsed", "withdrawn"]
Obstacle = Literal["skill", "hours", "rest", "too_much", "travel", "busy", "pair", "area", "sex"]
Why = Literal["skill", "hours", "rest", "too_much", "travel", "busy", "pair", "area", "sex", "no_answer"]
"""Why nobody was found. ``no_answer``: everyone who could go was asked, and nobody took it."""
Ground = Literal["wished", "known", "language", "way", "fair"]

WAVE: Final = 3
"""How many are asked at a time."""
LEAST_ANSWER: Final = timedelta(minutes=2)
WORK_LOOKS_BACK: Final = timedelta(weeks=4)
KNOWN_FOR: Final = timedelta(days=365)
NEAR: Final = timedelta(hours=24)
"""Whoever waits, and the operator, hear so long before that nobody is found: there is time to arrange something."""
LAST_WORD: Final = timedelta(hours=4)
"""So long before its start they hear that nobody is found yet, though somebody may still answer."""
_FAR: Final = timedelta(hours=2)
_CLOSE: Final = timedelta(minutes=10)

SPEEDS: Final[Mapping[str, Speed]] = {
    "on_foot": Speed(kilometres_per_hour=4.5),
    "bicycle": Speed(kilometres_per_hour=14.0),
    "car": Speed(kilometres_per_hour=25.0),
}
"""Vehicle → how fast somebody gets around a town."""

_WISHED: Final = 1_000
_KNOWN: Final = 60
_KNOWN_MOST: Final = 5
_LANGUAGE: Final = 120
_LATER_LANGUAGE: Final = 20
"""How much less the next best language is worth."""
_MINUTE: Final = 2
_WAY_MOST: Final = 120
_WORK: Final = 5
"""For each hour that somebody has more than whoever has the least."""
_WORK_MOST: Final = 200
_HOUR: Final = timedelta(hours=1)
_A_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What speaks for and against sending somebody."""

    account_id: uuid.UUID
    name: str
    languages: tuple[str, ...]
    visits: int
    """How often they were there in the last year."""
    work: timedelta
    """What they did, and are to do, in the four weeks before."""
    way: timedelta
    """How much longer they are on the way for it, coming from what is before and going to what is after."""
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished of whoever comes: somebody, and languages, the best first."""

    worker_id: uuid.UUID | None
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody with what speaks for them: points by ground, and the figure that each goes back to."""

    account_id: uuid.UUID
    name: str
    obstacles: tuple[Obstacle, ...]
    grounds: tuple[tuple[Ground, int, int], ...]

    @property
    def points(self) -> int:
        """Return how well the order suits them."""
        return sum(points for _, points, _ in self.grounds)


def rank(known: Iterable[Known], wish: Wish) -> list[Candidate]:
    """Return everyone, those who can go first, then whom it suits best; of equals the one with the smaller id."""
    everyone = list(known)
    least = min((one.work // _HOUR for one in everyone if not one.obstacles), default=0)
    found = [Candidate(one.account_id, one.name, one.obstacles, _grounds(one, wish, least)) for one in everyone]
    return sorted(found, key=lambda one: (bool(one.obstacles), -one.points, one.account_id))


def _grounds(one: Known, wish: Wish, least: int) -> tuple[tuple[Ground, int, int], ...]:
    found: list[tuple[Ground, int, int]] = []
    if one.account_id == wish.worker_id:
        found.append(("wished", _WISHED, 0))
    if one.visits:
        found.append(("known", min(one.visits, _KNOWN_MOST) * _KNOWN, one.visits))
    spoken = {_primary(tag) for tag in one.languages}
    place = next((at for at, tag in enumerate(wish.languages) if _primary(tag) in spoken), None)
    if place is not None:
        found.append(("language", max(_LANGUAGE - place * _LATER_LANGUAGE, _LATER_LANGUAGE), 0))
    minutes, hours = one.way // _A_MINUTE, one.work // _HOUR
    found.append(("way", -min(minutes * _MINUTE, _WAY_MOST), minutes))
    found.append(("fair", -min(max(hours - least, 0) * _WORK, _WORK_MOST), hours))
    return tuple(found)


def _primary(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0].lower()


def detour(
    place: Place | None, span: tuple[datetime, datetime], start: Place | None, day: Sequence[Busy], speed: Speed
) -> timedelta:
    """Return how much longer somebody is on the way who goes to a place between what they do already."""
    before = max((one for one in day if one.ends_at <= span[0]), key=lambda one: one.ends_at, default=None)
    after = min((one for one in day if one.starts_at >= span[1]), key=lambda one: one.starts_at, default=None)
    origin = start if before is None else before.place
    there = travel_time(origin, place, speed)
    if after is None:
        return there
    straight = travel_time(origin, after.place, speed) if before is not None else timedelta()
    return max(there + travel_time(place, after.place, speed) - straight, timedelta())


def rested(shifts: Iterable[Shift], busy: Collection[Busy], day: tuple[datetime, datetime]) -> tuple[Shift, ...]:
    """Return the shifts that touch a day, with the ends of the work around it: the rest lies between."""
    since, until = day
    before = max((one.ends_at for one in busy if one.starts_at < since), default=None)
    after = min((one.starts_at for one in busy if one.starts_at >= until), default=None)
    return tuple(
        Shift(one.starts_at, one.ends_at, one.breaks, worked_until=before, works_again=after)
        for one in shifts
        if one.starts_at < until and one.ends_at > since
    )


def answer_by(now: datetime, starts_at: datetime, within: timedelta) -> datetime:
    """Return when silence is a no: ``within`` so long, sooner the nearer the order is."""
    return now + max(min(within, (starts_at - now) / 4), LEAST_ANSWER)


def look_again(now: datetime, starts_at: datetime) -> datetime:
    """Return when it is looked again after nobody was found: more often when it is near, never behind its start."""
    if now < starts_at - NEAR:
        return min(now + _FAR, starts_at - NEAR)
    return min(now + _CLOSE, starts_at)


def tells_resident(now: datetime, starts_at: datetime, *, asks: bool) -> bool:
    """Say whether whoever waits is to hear that nobody is found: a day before, or ``asks`` it still, some hours."""
    return now >= starts_at - (LAST_WORD if asks else NEAR)


def why_nobody(obstacles: Sequence[Collection[Obstacle]], planned: Reason) -> Why:
    """Return why nobody could go, by what is in the way of each: ``planned`` is the planner's word.

    Whoever could go but for a wish, or because they do not come so far, is nearer to going than anybody else.
    """
    nearest = [set(found) for found in obstacles if set(found) <= {"area", "sex"}]
    if not nearest:
        return planned
    return "sex" if any(found == {"sex"} for found in nearest) else "area"


_FOR: Final[Mapping[str, Mapping[Ground, str]]] = {
    "en": {
        "wished": "The resident wished for them.",
        "known": "They know the home: they were there {} times in the last year.",
        "language": "They speak the language that is wished for.",
        "way": "It makes their way {} minutes longer that day.",
        "fair": "They have {} hours of orders in the four weeks before.",
    },
    "zh-CN": {
        "wished": "居民希望由其上门。",
        "known": "熟悉该住户：过去一年上门 {} 次。",
        "language": "会说居民希望使用的语言。",
        "way": "当天路程增加 {} 分钟。",
        "fair": "此前四周已有 {} 小时订单。",
    },
}
_AGAINST: Final[Mapping[str, Mapping[Why, str]]] = {
    "en": {
        "skill": "A skill or certificate that is needed is missing, or runs out before.",
        "hours": "They are not there at that time.",
        "rest": "They would not get eleven hours of rest between two working days.",
        "too_much": "They have as much work that day as they may have.",
        "travel": "They are too far away to be there in time.",
        "busy": "They are somewhere else at that time, or have their break.",
        "pair": "It takes two people at the same time.",
        "area": "They do not come to that part of town.",
        "sex": "The resident wished for a woman, or for a man.",
        "no_answer": "Everyone who could go was asked, and nobody took it.",
    },
    "zh-CN": {
        "skill": "缺少所需技能或证书，或届时已过期。",
        "hours": "该时段不当班。",
        "rest": "两个工作日之间无法保证十一小时休息。",
        "too_much": "当天工作量已达上限。",
        "travel": "距离太远，无法按时到达。",
        "busy": "该时段有其他安排或正在休息。",
        "pair": "需要两人同时到场。",
        "area": "不服务该区域。",
        "sex": "居民希望由指定性别的人员上门。",
        "no_answer": "已询问所有合适人员，无人接单。",
    },
}


def speaks_for(language: str, candidate: Candidate) -> list[str]:
    """Return in sentences why somebody stands where they do; ``language`` is one of ours."""
    return [_FOR[language][ground].format(figure) for ground, _, figure in candidate.grounds]


def speaks_against(language: str, reason: Why) -> str:
    """Return in one sentence what is in somebody's way; ``language`` is one of ours."""
    return _AGAINST[language][reason]
