"""What Today says: one sentence first, then a card for each whom somebody should look at, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.portal.ground import moments
from app.portal.ground.pages import words_of
from app.portal.ground.visits import Visit
from app.portal.ground.wording import begun, isolated
from app.portal.today.texts import WORDS
from eldercare.api import ATTENTION, CareOverview, Group, PersonToday, alarm_name

KINDS: Final[Mapping[str, str]] = {
    "needs": "needs",
    "waiting": "waiting",
    "missed": "waiting",
    "away": "away",
    "fine": "fine",
    "unasked": "quiet",
}
"""How each group looks; that is beside the words, never instead of them."""
_NEAR: Final = timedelta(days=5)
_FIRST_SAID: Final[tuple[Group, ...]] = ("needs", "waiting", "missed")


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom it is written."""

    language: str
    time_zone: ZoneInfo
    today: date

    @classmethod
    def of(cls, visit: Visit) -> "Reader":
        """Return the reader of a visit's page."""
        return cls(visit.language, visit.time_zone, clock.now().astimezone(visit.time_zone).date())

    @property
    def words(self) -> Mapping[str, str]:
        """The words of their language."""
        return WORDS[self.language]


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody, as the page shows them."""

    person: PersonToday
    named: str
    kind: str
    badge: str
    said: str
    then: str
    beside: str
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Those who stand alike: the first of them, and where the others are."""

    group: str
    kind: str
    count: int
    title: str
    cards: Sequence[Card]
    rest: str


# Thousands read the same few minutes of a day: writing one costs more than all else of a card.
@lru_cache(maxsize=4096)
def _moment(reader: Reader, at: datetime) -> str:
    return moments.moment(reader, at)


@lru_cache(maxsize=4096)
def _ago(language: str, minutes: int) -> str:
    if minutes == 0:
        return WORDS[language]["now"]
    reader = Reader(language, ZoneInfo("UTC"), date.min)
    return moments.ago(reader, clock.now() + timedelta(minutes=minutes))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _when(reader: Reader, at: datetime | None) -> str:
    return "" if at is None else _moment(reader, _minute(at))


def _since(reader: Reader, at: datetime | None) -> str:
    if at is None:
        return ""
    difference = at - clock.now()
    return (
        _when(reader, at) if abs(difference) > _NEAR else _ago(reader.language, round(difference.total_seconds() / 60))
    )


@lru_cache(maxsize=4096)
def number(language: str, value: int) -> str:
    """Return a count as the reader's language writes it."""
    return moments.number(Reader(language, ZoneInfo("UTC"), date.min), value)


def card(reader: Reader, person: PersonToday) -> Card:
    """Return what is shown of somebody."""
    words = reader.words
    alarm = alarm_name(reader.language, person.alarm.kind) if person.alarm else ""
    said = words[f"reason_{person.reason}"].format(
        alarm=begun(alarm), at=_when(reader, person.at), ago=_since(reader, person.at)
    )
    facts = [words["age"].format(age=person.age) if person.age is not None else "", person.building or ""]
    return Card(
        person,
        isolated(person.name),
        KINDS[person.group],
        words[f"badge_{person.group}"],
        said,
        _then(reader, person),
        " · ".join(fact for fact in facts if fact),
        person.group in ATTENTION,
    )


def _then(reader: Reader, person: PersonToday) -> str:
    """Return what follows: who helps already, how long an answer takes, when somebody is back, what is over."""
    then, ended = _goes_on(reader, person), person.ended
    if ended is None:
        return then
    said = words_of(WORDS, reader.language)
    outcome = said.get(f"outcome_{ended.outcome}", said["short_resolved"])
    over = said["alarm_ended"].format(at=_when(reader, ended.ended_at), outcome=outcome)
    return said["sentences_joined"].format(first=then, second=over) if then else over


def _goes_on(reader: Reader, person: PersonToday) -> str:
    words, until = reader.words, _when(reader, person.until)
    if person.alarm is not None:
        return words[f"state_{person.alarm.state}"]
    if person.group == "away":
        return words["until_away"].format(until=until) if until else ""
    if person.group != "waiting":
        return ""
    if person.until is None:
        return words["until_waiting_unknown"]
    is_over = person.until <= clock.now()
    return words["until_waiting_over" if is_over else "until_waiting"].format(
        until=until, ago=_since(reader, person.until)
    )


def sections(reader: Reader, overview: CareOverview) -> list[Section]:
    """Return the page's sections: every group in which there is somebody."""
    words = reader.words
    return [
        Section(
            group.group,
            KINDS[group.group],
            group.count,
            words[f"group_{group.group}"],
            [card(reader, person) for person in group.items],
            _rest(reader, group.group, group.count) if len(group.items) < group.count else "",
        )
        for group in overview.groups
        if group.count
    ]


def _rest(reader: Reader, group: str, count: int) -> str:
    return reader.words[f"fold_{group}"].format(count=number(reader.language, count))


def counts(reader: Reader, overview: CareOverview) -> list[tuple[str, str, str]]:
    """Return of each group with somebody in it: its name, its look, and how many they are, in words."""
    return [
        (
            one.group,
            KINDS[one.group],
            reader.words[f"count_{one.group}"].format(count=number(reader.language, one.count)),
        )
        for one in overview.groups
        if one.count
    ]


def sentences(reader: Reader, overview: CareOverview) -> list[str]:
    """Return what the page says first: who needs somebody, or that nobody does."""
    words = reader.words
    if not overview.count:
        return [words["nobody"]]
    groups = {one.group: one for one in overview.groups}
    said = []
    for group in _FIRST_SAID:
        found = groups[group]
        if found.count == 1:
            said.append(words[f"{group}_1"].format(name=isolated(found.items[0].name)))
        elif found.count:
            said.append(words[group].format(count=number(reader.language, found.count)))
    if said:
        return said
    fine = groups["fine"]
    if fine.count < overview.count:
        is_shared = all(person.reason != "nothing_known" for person in groups["unasked"].items)
        return [words["nobody_needs" if is_shared else "nobody_known"]]
    if fine.count == 1:
        return [words["all_fine_1"].format(name=isolated(fine.items[0].name))]
    said_so = words.get(f"all_fine_{fine.count}", words["all_fine"])
    return [said_so.format(count=number(reader.language, fine.count))]
