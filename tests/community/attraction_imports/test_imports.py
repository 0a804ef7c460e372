"""A file is taken whole or not at all, twice as once, and each thing that is wrong with it is pointed at."""

import asyncio
import copy
from typing import Any

import httpx
import pytest

from tests.community.attractions.conftest import Scene
from tests.community.attractions.test_hours import days

GEOJSON: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": "way/1",
            "geometry": {"type": "Point", "coordinates": [120.63, 31.32, 4]},
            "properties": {
                "name": "拙政园",
                "name:en": "Humble Administrator's Garden",
                "description:zh-Hans": "水景园林",
                "leisure": "garden",
                "wheelchair": "yes",
                "toilets:wheelchair": "limited",
                "defibrillator": "yes",
                "seating_distance": 40,
                "tags": "UNESCO;garden; ",
                "opening_hours": "Tu-Su 07:30-17:00; PH 07:30-18:00",
            },
        },
        {
            "type": "Feature",
            "id": 2,
            "geometry": {"type": "Point", "coordinates": [120.62, 31.33]},
            "properties": {
                "name": "Night Market",
                "kind": "market",
                "time_zone": "Asia/Urumqi",
                "hours": [{"weekdays": [5, 6], "starts": "18:00", "ends": "25:30"}],
            },
        },
    ],
}
JSONLD: dict[str, Any] = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "Organization", "name": "Museums"},
        {
            "@type": ["TouristAttraction", "Museum"],
            "@id": "https://museum.example/#it",
            "name": [
                {"@value": "Silk Museum", "@language": "en"},
                {"@value": "丝绸博物馆", "@language": "zh"},
                {"@value": "Musée de la soie", "@language": "fr"},
            ],
            "description": "All about silk",
            "geo": {"@type": "GeoCoordinates", "latitude": "31.30", "longitude": 120.60},
            "maximumAttendeeCapacity": "400",
            "keywords": "silk, craft",
            "amenityFeature": [
                {"@type": "LocationFeatureSpecification", "name": "Step-free access", "value": True},
                {"@type": "LocationFeatureSpecification", "name": "Audio guide", "value": "False"},
                {"@type": "LocationFeatureSpecification", "name": "Wi-Fi", "value": True},
            ],
            "openingHoursSpecification": [
                {"dayOfWeek": ["https://schema.org/Monday", "Wednesday"], "opens": "09:00", "closes": "17:00:00"},
                {
                    "dayOfWeek": "Saturday",
                    "opens": "19:00",
                    "closes": "01:00",
                    "validFrom": "2026-03-01",
                    "validThrough": "2026-03-31",
                },
                {"dayOfWeek": "PublicHolidays", "opens": "00:00", "closes": "00:00"},
            ],
            "specialOpeningHoursSpecification": {
                "validFrom": "2026-03-09",
                "validThrough": "2026-03-10",
                "opens": "12:00",
                "closes": "15:00",
            },
        },
    ],
}


async def sent(scene: Scene, document: Any, kind: str | None = None) -> httpx.Response:
    """Return what the keeper is answered to a file."""
    media_type = kind or ("geo+json" if isinstance(document, dict) and "features" in document else "ld+json")
    path = f"/v1/organizations/{scene.museums.id}/attraction-imports"
    headers = scene.keeper | {"Content-Type": f"application/{media_type}"}
    if isinstance(document, str):
        return await scene.client.post(path, content=document, headers=headers)
    return await scene.client.post(path, json=document, headers=headers)


async def kept(scene: Scene) -> dict[str, dict[str, Any]]:
    """Return what there is, by reference."""
    answer = await scene.client.get(scene.path, headers=scene.keeper)
    return {one["reference"]: one for one in answer.json()["items"]}


async def test_geojson_is_read_with_the_words_of_openstreetmap(scene: Scene) -> None:
    answer = await sent(scene, GEOJSON)

    assert answer.json() == {"added": 2, "changed": 0, "unchanged": 0, "skipped": 0}
    there = await kept(scene)
    garden, market = there["way/1"], there["2"]
    assert garden["state"] == "draft"
    assert garden["name"] == {"en": "Humble Administrator's Garden", "zh-CN": "拙政园"}
    assert (garden["description"], garden["kind"], garden["tags"]) == (
        {"zh-CN": "水景园林"},
        "garden",
        ["unesco", "garden"],
    )
    assert (garden["latitude"], garden["longitude"], garden["time_zone"]) == (31.32, 120.63, "Asia/Shanghai")
    assert (garden["step_free"], garden["accessible_toilet"], garden["defibrillator"]) == (True, None, True)
    assert [(one["weekdays"], one["starts"], one["ends"], one["holidays"]) for one in garden["hours"]] == [
        ([2, 3, 4, 5, 6, 7], "07:30", "17:00", "skip"),
        ([1, 2, 3, 4, 5, 6, 7], "07:30", "18:00", "only"),
    ]
    assert (market["name"], market["kind"], market["time_zone"]) == ({"en": "Night Market"}, "market", "Asia/Urumqi")
    assert market["hours"][0]["ends"] == "25:30"


async def test_json_ld_is_read_with_its_special_days(scene: Scene) -> None:
    answer = await sent(scene, JSONLD)

    assert answer.json() == {"added": 1, "changed": 0, "unchanged": 0, "skipped": 1}
    museum = (await kept(scene))["https://museum.example/#it"]
    assert museum["name"] == {"en": "Silk Museum", "zh-CN": "丝绸博物馆"}
    assert (museum["kind"], museum["tags"], museum["capacity"]) == ("museum", ["silk", "craft"], 400)
    assert (museum["step_free"], museum["audio_guide"], museum["defibrillator"]) == (True, False, None)
    assert {one["holidays"] for one in museum["hours"]} == {"skip"}
    await scene.done("POST", f"{museum['id']}/publication")
    assert await days(scene, museum["id"], "2026-03-07", "2026-03-11") == {
        "07": [("19:00", "00:00")],
        "08": [("00:00", "01:00")],
        "09": [("12:00", "15:00")],
        "10": [("12:00", "15:00")],
        "11": [("09:00", "17:00")],
    }


@pytest.mark.parametrize("document", [GEOJSON, JSONLD])
async def test_the_same_file_twice_changes_nothing(scene: Scene, document: dict[str, Any]) -> None:
    first = (await sent(scene, document)).json()
    before = await kept(scene)

    again = await sent(scene, document)

    assert again.json() == {"added": 0, "changed": 0, "unchanged": first["added"], "skipped": first["skipped"]}
    assert await kept(scene) == before


async def test_what_a_file_does_not_say_stays(scene: Scene) -> None:
    await sent(scene, JSONLD)
    museum = (await kept(scene))["https://museum.example/#it"]
    await scene.done("POST", f"{museum['id']}/publication")
    changed = copy.deepcopy(JSONLD)
    node = changed["@graph"][1]
    node["name"] = "Silk and Craft Museum"
    for name in ("keywords", "amenityFeature", "openingHoursSpecification", "specialOpeningHoursSpecification"):
        del node[name]

    answer = await sent(scene, changed)

    assert answer.json() == {"added": 0, "changed": 1, "unchanged": 0, "skipped": 1}
    now = (await kept(scene))["https://museum.example/#it"]
    assert now["name"] == {"en": "Silk and Craft Museum", "zh-CN": "丝绸博物馆"}
    assert (now["tags"], now["step_free"], now["hours"]) == (museum["tags"], True, museum["hours"])
    assert await scene.found(text="silk and craft") == ["Silk and Craft Museum"]


async def test_other_special_days_stand_in_place_of_those_they_meet(scene: Scene) -> None:
    await sent(scene, JSONLD)
    museum = (await kept(scene))["https://museum.example/#it"]
    changed = copy.deepcopy(JSONLD)
    changed["@graph"][1]["specialOpeningHoursSpecification"] = [
        {"validFrom": "2026-03-10", "validThrough": "2026-03-10", "opens": "00:00", "closes": "00:00"}
    ]

    answer = await sent(scene, changed)

    assert answer.json()["changed"] == 1
    there = await scene.client.get(f"{scene.path}/{museum['id']}/opening-exceptions", headers=scene.keeper)
    assert [(one["first_day"], one["last_day"], one["hours"]) for one in there.json()["items"]] == [
        ("2026-03-10", "2026-03-10", [])
    ]


def _broken_geojson() -> list[tuple[str, Any, str, str]]:
    return [
        ("geometry", {"type": "Polygon", "coordinates": []}, "/geometry", "not_a_point"),
        ("geometry", {"type": "Point", "coordinates": [200, 31]}, "/geometry/coordinates/0", "less_than_equal"),
        ("geometry", {"type": "Point", "coordinates": ["x", 31]}, "/geometry/coordinates/0", "not_a_number"),
        ("geometry", {"type": "Point", "coordinates": [1]}, "/geometry/coordinates", "not_a_position"),
        ("id", None, "/id", "id_missing"),
        ("id", "way/1", "/id", "reference_twice"),
        ("type", "Thing", "", "not_a_feature"),
        ("properties", [1], "/properties", "not_an_object"),
    ]


@pytest.mark.parametrize(("member", "value", "pointer", "code"), _broken_geojson())
async def test_each_thing_wrong_with_a_feature_is_pointed_at(
    scene: Scene, member: str, value: Any, pointer: str, code: str
) -> None:
    document = copy.deepcopy(GEOJSON)
    document["features"][1][member] = value

    answer = await sent(scene, document)

    assert (answer.status_code, answer.json()["code"]) == (422, "import_refused")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(f"/features/1{pointer}", code)]
    assert await kept(scene) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 7),
        ("name:en", "x" * 201),
        ("kind", "pub"),
        ("time_zone", "Moon"),
        ("capacity", "many"),
        ("hours", [{"weekdays": [9], "starts": "09:00", "ends": "17:00"}]),
        ("opening_hours", "sunrise-sunset"),
        ("opening_hours", "Mo-Fr 09:00-17:00, Sa 10:00-12:00"),
        ("opening_hours", "Xx 09:00-17:00"),
        ("opening_hours", "Mo 25:00-26:00"),
        ("tags", [5]),
        ("step_free", "perhaps"),
    ],
)
async def test_each_property_that_says_nothing_is_pointed_at(scene: Scene, name: str, value: Any) -> None:
    document = copy.deepcopy(GEOJSON)
    document["features"][1]["properties"].pop("hours")
    document["features"][1]["properties"][name] = value

    answer = await sent(scene, document)

    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/features/1/properties/{name}"]
    assert await kept(scene) == {}


@pytest.mark.parametrize(
    ("name", "value", "pointer"),
    [
        ("@id", None, "/@id"),
        ("name", [{"@language": "en"}], "/name/0"),
        ("name", None, ""),
        ("geo", "here", "/geo"),
        ("geo", {"latitude": 31}, "/geo/longitude"),
        ("geo", {"latitude": "95.5", "longitude": 0}, "/geo/latitude"),
        ("geo", {"latitude": "9" * 5000, "longitude": 0}, "/geo/latitude"),
        ("maximumAttendeeCapacity", 0, "/maximumAttendeeCapacity"),
        ("amenityFeature", ["ramp"], "/amenityFeature/0"),
        ("openingHoursSpecification", [{"dayOfWeek": "Caturday"}], "/openingHoursSpecification/0/dayOfWeek"),
        ("openingHoursSpecification", {"dayOfWeek": "Monday", "opens": "9"}, "/openingHoursSpecification/opens"),
        (
            "openingHoursSpecification",
            [{"opens": "09:00", "closes": "17:00", "validFrom": "soon"}],
            "/openingHoursSpecification/0",
        ),
        ("specialOpeningHoursSpecification", [{"opens": "09:00"}], "/specialOpeningHoursSpecification/0/validFrom"),
        ("@context", "https://example.org", "/@context"),
    ],
)
async def test_each_thing_wrong_with_a_node_is_pointed_at(scene: Scene, name: str, value: Any, pointer: str) -> None:
    document = copy.deepcopy(JSONLD)
    document["@graph"][1][name] = value

    answer = await sent(scene, document)

    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/@graph/1{pointer}"]
    assert await kept(scene) == {}


@pytest.mark.parametrize(
    ("document", "kind", "code"),
    [
        ("{", "geo+json", "json_invalid"),
        ("[]", "geo+json", "not_geojson"),
        ('{"type": "FeatureCollection"}', "geo+json", "not_geojson"),
        ("7", "ld+json", "not_json_ld"),
        ("[7]", "ld+json", "not_json_ld"),
        ('{"type": "FeatureCollection", "features": [' + "7," * 5_000 + "7]}", "geo+json", "too_many"),
        ("[" + "7," * 50_000 + "7]", "ld+json", "too_many"),
    ],
)
async def test_what_is_no_such_file(scene: Scene, document: str, kind: str, code: str) -> None:
    answer = await sent(scene, document, kind)

    assert (answer.status_code, [one["code"] for one in answer.json()["errors"]]) == (422, [code])


async def test_what_is_published_stays_fit_for_it(scene: Scene) -> None:
    await sent(scene, JSONLD)
    museum = (await kept(scene))["https://museum.example/#it"]
    await scene.done("POST", f"{museum['id']}/publication")
    document = copy.deepcopy(JSONLD)
    document["@graph"][1]["openingHoursSpecification"] = []

    answer = await sent(scene, document)

    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/@graph/1/openingHoursSpecification", "hours_missing")
    ]
    assert (await kept(scene))["https://museum.example/#it"]["hours"] == museum["hours"]


async def test_who_may_bring_a_file(scene: Scene) -> None:
    path = f"/v1/organizations/{scene.museums.id}/attraction-imports"
    geojson = {"Content-Type": "application/geo+json"}

    answers = [
        await scene.client.post(path, json=GEOJSON, headers=geojson),
        await scene.client.post(path, json=GEOJSON, headers=geojson | scene.resident),
        await scene.client.post(path, json=GEOJSON, headers=geojson | scene.worker),
        await scene.client.post(path, json=GEOJSON, headers=scene.keeper),
    ]

    assert [answer.status_code for answer in answers] == [401, 404, 403, 415]


async def test_two_who_bring_the_same_file_at_once_add_it_once(scene: Scene) -> None:
    answers = [one.json() for one in await asyncio.gather(sent(scene, GEOJSON), sent(scene, GEOJSON))]

    assert sorted((one["added"], one["unchanged"]) for one in answers) == [(0, 2), (2, 0)]
    assert len(await kept(scene)) == 2
