"""schema.org's ``TouristAttraction`` as JSON-LD 1.1: one, a list, or a ``@graph``; in plain terms, without prefixes.

https://schema.org/TouristAttraction. Addresses are never fetched: neither contexts nor pictures.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from community.attraction_imports.rules.entries import (
    MOST_THINGS,
    Document,
    Entry,
    Trouble,
    hour,
    is_number,
    language_of,
    too_many,
    until,
)

_TYPE: Final = "TouristAttraction"
_CONTEXT: Final = re.compile(r"https?://(www\.)?schema\.org/?")
_KINDS: Final = {
    "Museum": "museum", "ArtGallery": "gallery", "Park": "park", "Zoo": "zoo", "Aquarium": "aquarium",
    "AmusementPark": "theme_park", "LandmarksOrHistoricalBuildings": "historic", "PlaceOfWorship": "religious",
    "BuddhistTemple": "religious", "HinduTemple": "religious", "Church": "religious", "CatholicChurch": "religious",
    "Mosque": "religious", "Synagogue": "religious", "PerformingArtsTheater": "theatre",
}  # fmt: skip
_TEXTS: Final = {"name": "name", "disambiguatingDescription": "summary", "description": "description"}
_AMENITIES: Final = {
    "step-free access": "step_free", "wheelchair accessible": "step_free", "step_free": "step_free",
    "accessible toilet": "accessible_toilet", "accessible_toilet": "accessible_toilet",
    "wheelchair loan": "wheelchair_loan", "wheelchair rental": "wheelchair_loan", "wheelchair_loan": "wheelchair_loan",
    "audio guide": "audio_guide", "audio_guide": "audio_guide",
    "defibrillator": "defibrillator", "aed": "defibrillator",
    "seating distance": "seating_distance", "seating_distance": "seating_distance",
}  # fmt: skip
_WEEK: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ALL: Final = [1, 2, 3, 4, 5, 6, 7]
_HOLIDAYS: Final = "PublicHolidays"


def read(document: Any) -> Document:
    """Return what is in a JSON-LD document; things of other types are skipped."""
    context = document.get("@context") if isinstance(document, dict) else None
    nodes = [document] if isinstance(document, dict) else document
    root = ""
    if isinstance(document, dict) and "@graph" in document:
        nodes, root = document["@graph"], "/@graph"
    if not isinstance(nodes, list):
        return Document([], troubles=(Trouble(root, "expected an object or a list of them", "not_json_ld"),))
    if len(nodes) > MOST_THINGS:
        return too_many(root, MOST_THINGS)
    entries, troubles, skipped = [], [], 0
    for place, node in enumerate(nodes):
        pointer = root if node is document else f"{root}/{place}"
        if not isinstance(node, dict):
            troubles.append(Trouble(pointer, "expected an object", "not_json_ld"))
        elif _TYPE not in _listed(node.get("@type")):
            skipped += 1
        elif not _is_schema_org(own := node.get("@context", context)):
            troubles.append(Trouble(f"{pointer}/@context", "expected https://schema.org", "not_schema_org"))
        else:
            entries.append(_attraction(node, pointer, _default_language(own)))
    return Document(entries, skipped, tuple(troubles))


def _is_schema_org(context: Any) -> bool:
    said = [one.get("@vocab") if isinstance(one, dict) else one for one in _listed(context)]
    return any(isinstance(one, str) and _CONTEXT.fullmatch(one) for one in said)


def _default_language(context: Any) -> str | None:
    tags = [one.get("@language") for one in _listed(context) if isinstance(one, dict)]
    return next((tag for tag in tags if isinstance(tag, str)), None)


def _attraction(node: dict[str, Any], pointer: str, language: str | None) -> Entry:
    entry = Entry(pointer)
    _take_reference(entry, node)
    for name, ours in _TEXTS.items():
        _take_texts(entry, name, ours, node.get(name), language)
    types = (str(one).rpartition("/")[2] for one in _listed(node.get("@type")))
    entry.take("kind", next((_KINDS[one] for one in types if one in _KINDS), None), f"{pointer}/@type")
    _take_place(entry, node.get("geo"))
    entry.take("capacity", _number(node.get("maximumAttendeeCapacity")), f"{pointer}/maximumAttendeeCapacity")
    tags = [*_words(node.get("keywords")), *_words(node.get("touristType"))]
    entry.take("tags", list(dict.fromkeys(tags)) or None, f"{pointer}/keywords")
    for place, feature in enumerate(_listed(node.get("amenityFeature"))):
        _take_amenity(entry, feature, f"{pointer}/amenityFeature/{place}")
    _take_hours(entry, node.get("openingHoursSpecification"))
    _take_special(entry, node.get("specialOpeningHoursSpecification"))
    return entry


def _take_reference(entry: Entry, node: dict[str, Any]) -> None:
    for name in ("@id", "identifier", "url"):
        value = node.get(name)
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, str):
            entry.take("reference", value, f"{entry.pointer}/{name}")
            return
    entry.refuse(f"{entry.pointer}/@id", "an @id is needed: by it, the same thing is known again", "id_missing")


def _take_texts(entry: Entry, name: str, ours: str, value: Any, default: str | None) -> None:
    texts: dict[str, Any] = {}
    for place, one in enumerate(_listed(value)):
        pointer = f"{entry.pointer}/{name}" + (f"/{place}" if isinstance(value, list) else "")
        text, tag = (one.get("@value"), one.get("@language", default)) if isinstance(one, dict) else (one, default)
        if not isinstance(text, str) or not isinstance(tag, str | None):
            entry.refuse(pointer, "expected a text, or a @value with its @language", "not_a_text")
        elif language := language_of(tag, text):
            texts[language] = text
            entry.pointers[f"{ours}/{language}"] = pointer
    if texts:
        entry.take(ours, texts, f"{entry.pointer}/{name}")


def _take_place(entry: Entry, geo: Any) -> None:
    pointer = f"{entry.pointer}/geo"
    if not isinstance(geo, dict):
        entry.refuse(pointer, "expected GeoCoordinates", "not_a_position")
        return
    for name in ("latitude", "longitude"):
        value = _number(geo.get(name))
        if is_number(value):
            entry.take(name, value, f"{pointer}/{name}")
        else:
            entry.refuse(f"{pointer}/{name}", "expected a number", "not_a_number")


def _take_amenity(entry: Entry, feature: Any, pointer: str) -> None:
    if not isinstance(feature, dict):
        entry.refuse(pointer, "expected a LocationFeatureSpecification", "not_an_amenity")
        return
    said = (str(feature.get(name, "")).strip().lower() for name in ("propertyID", "name"))
    ours = next((_AMENITIES[one] for one in said if one in _AMENITIES), None)
    value = feature.get("value", True)
    if ours == "seating_distance":
        entry.take(ours, _number(value), f"{pointer}/value")
    elif ours is not None:
        known: Mapping[object, object] = {"true": True, "false": False}
        entry.take(ours, known.get(str(value).rpartition("/")[2].lower(), value), f"{pointer}/value")


def _take_hours(entry: Entry, specifications: Any) -> None:
    """Take the rules; where holidays have some of their own, or none, the others are not kept on them."""
    rules, holidays = [], False
    for one, pointer in _specifications(entry, "openingHoursSpecification", specifications):
        named = [str(day).rpartition("/")[2] for day in _listed(one.get("dayOfWeek"))]
        if unknown := [day for day in named if day not in (*_WEEK, _HOLIDAYS)]:
            entry.refuse(f"{pointer}/dayOfWeek", f"{unknown[0]} is no day of the week", "not_a_day")
            continue
        holidays = holidays or _HOLIDAYS in named
        span = _span(entry, one, pointer)
        if span is None:
            continue
        season = {"valid_from": one.get("validFrom"), "valid_until": one.get("validThrough")}
        weekdays = sorted({_WEEK.index(day) + 1 for day in named if day in _WEEK})
        if weekdays or not named:
            rules.append(({"weekdays": weekdays or _ALL, **span, **season}, pointer))
        if _HOLIDAYS in named:
            rules.append(({"weekdays": _ALL, "holidays": "only", **span, **season}, pointer))
    if specifications is not None:
        entry.take(
            "hours",
            [{"holidays": "skip" if holidays else "ignore"} | rule for rule, _ in rules],
            f"{entry.pointer}/openingHoursSpecification",
        )
        entry.pointers |= {f"hours/{place}": pointer for place, (_, pointer) in enumerate(rules)}


def _take_special(entry: Entry, specifications: Any) -> None:
    days: dict[tuple[str, str], tuple[list[dict[str, str]], str]] = {}
    for one, pointer in _specifications(entry, "specialOpeningHoursSpecification", specifications):
        first = one.get("validFrom")
        if not isinstance(first, str):
            entry.refuse(f"{pointer}/validFrom", "expected the day on which hours are others", "day_missing")
            continue
        hours, _ = days.setdefault((first, str(one.get("validThrough", first))), ([], pointer))
        if "opens" in one or "closes" in one:
            span = _span(entry, one, pointer)
            hours += [span] if span else []
    if days:
        entry.take(
            "exceptions",
            [{"first_day": first, "last_day": last, "hours": hours} for (first, last), (hours, _) in days.items()],
            f"{entry.pointer}/specialOpeningHoursSpecification",
        )
        entry.pointers |= {f"exceptions/{place}": pointer for place, (_, pointer) in enumerate(days.values())}


def _specifications(entry: Entry, name: str, given: Any) -> Iterator[tuple[dict[str, Any], str]]:
    for place, one in enumerate(_listed(given)):
        pointer = f"{entry.pointer}/{name}" + (f"/{place}" if isinstance(given, list) else "")
        if isinstance(one, dict):
            yield one, pointer
        else:
            entry.refuse(pointer, "expected an OpeningHoursSpecification", "not_hours")


def _span(entry: Entry, one: dict[str, Any], pointer: str) -> dict[str, str] | None:
    """Return from when to when; nothing where it opens when it closes, which is how closed days are written."""
    found = {}
    for name in ("opens", "closes"):
        try:
            found[name] = hour(str(one.get(name, "")))
        except ValueError as error:
            entry.refuse(f"{pointer}/{name}", str(error), "not_a_time")
            return None
    if found["opens"] == found["closes"]:
        return None
    return {"starts": found["opens"], "ends": until(found["opens"], found["closes"])}


def _words(value: Any) -> Iterator[str]:
    for one in _listed(value):
        name = one.get("@value", one.get("name", one.get("audienceType"))) if isinstance(one, dict) else one
        yield from filter(None, (word.strip().lower() for word in str(name or "").split(",")))


def _number(value: Any) -> Any:
    """Return a number that is written as one or as a text; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d{1,20}(\.\d{1,20})?\s*", value):
        return float(value) if "." in value else int(value)
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
