"""GeoJSON (RFC 7946): a FeatureCollection of points, with our own names for properties, or OpenStreetMap's."""

from collections.abc import Mapping
from typing import Any, Final

from community.attraction_imports.rules import osm_hours
from community.attraction_imports.rules.entries import (
    MOST_ENTRIES,
    Document,
    Entry,
    Trouble,
    escaped,
    is_number,
    language_of,
    too_many,
    yes_no,
)

_TEXTS: Final = ("name", "summary", "description", "access_note")
_PLAIN: Final = (
    "kind", "time_zone", "capacity", "hours", "quiet_hours", "step_free", "accessible_toilet", "wheelchair_loan",
    "audio_guide", "defibrillator", "seating_distance",
)  # fmt: skip
_OSM_WHEELCHAIR: Final = {"": "step_free", "toilets:": "accessible_toilet"}
_OSM_KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "tourism": {
        "museum": "museum", "gallery": "gallery", "zoo": "zoo", "aquarium": "aquarium", "viewpoint": "viewpoint",
        "theme_park": "theme_park",
    },
    "leisure": {"park": "park", "garden": "garden", "nature_reserve": "nature"},
    "amenity": {"place_of_worship": "religious", "theatre": "theatre", "marketplace": "market"},
}  # fmt: skip


def read(document: Any) -> Document:
    """Return what is in a FeatureCollection."""
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        return Document([], troubles=(Trouble("/type", "expected a FeatureCollection", "not_geojson"),))
    features = document.get("features")
    if not isinstance(features, list):
        return Document([], troubles=(Trouble("/features", "expected a list of features", "not_geojson"),))
    if len(features) > MOST_ENTRIES:
        return too_many("/features", MOST_ENTRIES)
    return Document([_feature(one, f"/features/{place}") for place, one in enumerate(features)])


def _feature(feature: Any, pointer: str) -> Entry:
    entry = Entry(pointer)
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        entry.refuse(pointer, "expected a Feature", "not_a_feature")
        return entry
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        entry.refuse(f"{pointer}/properties", "expected an object", "not_an_object")
        return entry
    _take_reference(entry, feature, properties)
    _take_place(entry, feature.get("geometry"))
    for name in _TEXTS:
        _take_texts(entry, name, properties)
    for name in _PLAIN:
        entry.take(name, properties.get(name), _at(entry, name))
    entry.take("kind", properties.get("kind") or _osm_kind(properties), _at(entry, "kind"))
    for prefix, ours in _OSM_WHEELCHAIR.items():
        name = f"{prefix}wheelchair"
        if ours not in entry.values:
            entry.take(ours, yes_no(properties.get(name)), _at(entry, name))
    entry.take("defibrillator", yes_no(properties.get("defibrillator")), _at(entry, "defibrillator"))
    tags = properties.get("tags")
    entry.take("tags", _unique(tags.split(";")) if isinstance(tags, str) else tags, _at(entry, "tags"))
    _take_opening_hours(entry, properties.get("opening_hours"))
    return entry


def _take_reference(entry: Entry, feature: dict[str, Any], properties: dict[str, Any]) -> None:
    for where, pointer in ((feature, f"{entry.pointer}/id"), (properties, _at(entry, "id"))):
        if (reference := where.get("id")) is not None:
            entry.take("reference", str(reference) if isinstance(reference, int) else reference, pointer)
            return
    entry.refuse(f"{entry.pointer}/id", "an id is needed: by it, the same thing is known again", "id_missing")


def _take_place(entry: Entry, geometry: Any) -> None:
    pointer = f"{entry.pointer}/geometry"
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        entry.refuse(pointer, "expected a Point: where its entrance is", "not_a_point")
        return
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        entry.refuse(f"{pointer}/coordinates", "expected longitude and latitude", "not_a_position")
        return
    entry.take("longitude", coordinates[0], f"{pointer}/coordinates/0")
    entry.take("latitude", coordinates[1], f"{pointer}/coordinates/1")
    for place in (0, 1):
        if not is_number(coordinates[place]):
            entry.refuse(f"{pointer}/coordinates/{place}", "expected a number", "not_a_number")


def _take_texts(entry: Entry, name: str, properties: dict[str, Any]) -> None:
    """Take a text by language: ``name`` in the language of its script, and ``name:en``, ``name:zh`` before that."""
    texts: dict[str, Any] = {}
    if isinstance(plain := properties.get(name), str) and (language := language_of(None, plain)):
        texts[language] = plain
        entry.pointers[f"{name}/{language}"] = _at(entry, name)
    elif plain is not None:
        entry.take(name, plain, _at(entry, name))
        return
    for key in sorted(key for key in properties if key.startswith(f"{name}:")):
        if language := language_of(key.partition(":")[2], ""):
            texts[language] = properties[key]
            entry.pointers[f"{name}/{language}"] = _at(entry, key)
    if texts:
        entry.take(name, texts, _at(entry, name))


def _take_opening_hours(entry: Entry, text: Any) -> None:
    if text is None or "hours" in entry.values:
        return
    pointer = _at(entry, "opening_hours")
    try:
        entry.take("hours", osm_hours.rules(str(text)), pointer)
    except ValueError as error:
        entry.refuse(pointer, str(error), "opening_hours")


def _osm_kind(properties: dict[str, Any]) -> str | None:
    for key, kinds in _OSM_KINDS.items():
        if (kind := kinds.get(str(properties.get(key)))) is not None:
            return kind
    return "historic" if properties.get("historic") else None


def _unique(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, (tag.strip().lower() for tag in tags))))


def _at(entry: Entry, name: str) -> str:
    return f"{entry.pointer}/properties/{escaped(name)}"
