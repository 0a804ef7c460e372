"""Attractions are found by words of both languages, place, needs and hours, a page at a time, and kept by caches."""

from typing import Any

import pytest

from tests.community.attractions.conftest import Scene
from tests.factories import community_attractions as attractions
from tests.factories import identity

EVENINGS: list[dict[str, Any]] = [attractions.EVERY_DAY | {"starts": 18 * 60, "ends": 26 * 60}]


async def three(scene: Scene) -> None:
    """Insert a garden, a museum that is open in the evening, and a temple."""
    await attractions.attraction(
        scene.museums, name={"en": "Garden", "zh-CN": "拙政园"}, step_free=True, tags=["unesco", "garden"]
    )
    await attractions.attraction(
        scene.museums,
        name={"en": "Café Musée", "zh-CN": "苏州博物馆"},
        summary={"en": "Silk, and a garden", "zh-CN": "全馆无障碍通行。"},
        kind="museum",
        tags=["silk", "无障碍"],
        latitude=31.25,
        seating_distance=50,
        step_free=True,
        audio_guide=True,
        hours=EVENINGS,
    )
    await attractions.attraction(
        scene.museums,
        name={"en": "Cold Mountain Temple", "zh-CN": "寒山寺"},
        summary={},
        kind="religious",
        tags=["temple"],
        latitude=31.40,
        step_free=False,
        seating_distance=300,
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("garden", ["Garden", "Café Musée"]),  # in the name first
        ("GARD", ["Garden", "Café Musée"]),
        ("cafe musee", ["Café Musée"]),
        ("temple cold", ["Cold Mountain Temple"]),
        ("temple silk", []),
        ("ＳＩＬＫ", ["Café Musée"]),
        ("寺", ["Cold Mountain Temple"]),
        ("寒山", ["Cold Mountain Temple"]),
        ("博物馆", ["Café Musée"]),
        ("苏州博物馆无障碍", ["Café Musée"]),
        ("苏州 silk", ["Café Musée"]),
        ("园林", []),
        ("100%", []),
        ("_", []),
        ("!?", []),
    ],
)
async def test_words_of_both_languages(scene: Scene, text: str, found: list[str]) -> None:
    await three(scene)

    assert await scene.found(text=text) == found


async def test_what_somebody_needs(scene: Scene) -> None:
    await three(scene)

    assert await scene.found(need="step_free") == ["Garden", "Café Musée"]
    assert await scene.found(need=["step_free", "audio_guide"]) == ["Café Musée"]
    assert await scene.found(need="defibrillator") == []
    assert await scene.found(seating_within=100) == ["Café Musée"]
    assert await scene.found(tag=["unesco", "garden"]) == ["Garden"]
    assert await scene.found(tag="无障碍") == ["Café Musée"]
    assert await scene.found(kind="religious") == ["Cold Mountain Temple"]
    assert await scene.found(kind="museum", text="garden", need="step_free") == ["Café Musée"]


async def test_the_nearest_first_and_none_too_far(scene: Scene) -> None:
    await three(scene)
    around = {"latitude": 31.26, "longitude": 121.47}

    answer = await scene.client.get(
        "/v1/attractions", params={"community_id": str(scene.place.id), "radius": 5000, **around}
    )

    assert [(one["name"]["en"], one["distance"]) for one in answer.json()["items"]] == [
        ("Café Musée", 1112),
        ("Garden", 3336),
    ]
    assert await scene.found(**around, radius=20_000) == ["Café Musée", "Garden", "Cold Mountain Temple"]
    assert await scene.found(**around, radius=1111) == []


async def test_places_beyond_the_date_line_are_near(scene: Scene) -> None:
    await attractions.attraction(scene.museums, latitude=-16.8, longitude=179.99)
    await attractions.attraction(scene.museums, latitude=-16.8, longitude=-179.99)

    assert len(await scene.found(latitude=-16.8, longitude=179.98, radius=10_000)) == 2
    assert len(await scene.found(latitude=-16.8, longitude=-179.98, radius=2_000)) == 1


async def test_what_is_open_now(scene: Scene) -> None:
    await three(scene)

    assert await scene.found(open_now="true") == ["Garden", "Cold Mountain Temple"]


@pytest.mark.parametrize("query", [{}, {"text": "garden"}, {"latitude": 31.26, "longitude": 121.47, "radius": 50_000}])
async def test_pages_have_everything_once(scene: Scene, query: dict[str, Any]) -> None:
    for number in range(5):
        name = {"en": f"{'Garden' if number % 2 else 'Park'} {number}", "zh-CN": "园"}
        await attractions.attraction(scene.museums, name=name, latitude=31.23 + number % 3 / 100)
    whole = await scene.found(**query)

    found: list[str] = []
    cursor = None
    while True:
        asked = {"community_id": str(scene.place.id), "limit": 2, **query} | ({"cursor": cursor} if cursor else {})
        page = (await scene.client.get("/v1/attractions", params=asked)).json()
        found += [one["name"]["en"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(whole) == 5
    assert found == whole


async def test_only_the_named_community_s(scene: Scene) -> None:
    await three(scene)
    other = await identity.community(name="Elsewhere")

    assert await scene.found(community_id=str(other.id)) == []
    unknown = await scene.client.get("/v1/attractions", params={"community_id": str(scene.museums.id)})
    unnamed = await scene.client.get("/v1/attractions")
    assert (unknown.status_code, len(unnamed.json()["items"])) == (404, 3)


async def test_what_a_cache_has_is_not_sent_again(scene: Scene) -> None:
    one = await attractions.attraction(scene.museums)
    paths = [
        f"/v1/attractions?community_id={scene.place.id}",
        f"/v1/attractions/{one.id}",
        f"/v1/attractions/{one.id}/opening-days?from=2026-03-02&to=2026-03-03",
    ]

    tags = {}
    for path in paths:
        first = await scene.client.get(path)
        tags[path] = first.headers["etag"]
        again = await scene.client.get(path, headers={"If-None-Match": f'"other", W/{tags[path]}'})
        assert first.headers["cache-control"] == "public, max-age=60"
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[path])

    await scene.done("PUT", f"{one.id}/hours", json={"hours": [{"weekdays": [1], "starts": "09:00", "ends": "16:30"}]})
    for path in paths:
        changed = await scene.client.get(path, headers={"If-None-Match": tags[path]})
        assert (changed.status_code, changed.headers["etag"] != tags[path]) == (200, True)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"latitude": 31}, "/query/longitude"),
        ({"latitude": 91, "longitude": 0}, "/query/latitude"),
        ({"need": "lift"}, "/query/need/0"),
        ({"kind": "pub"}, "/query/kind"),
        ({"radius": 0}, "/query/radius"),
        ({"text": ""}, "/query/text"),
        ({"cursor": "x"}, "/query/cursor"),
    ],
)
async def test_what_nobody_can_look_for(scene: Scene, query: dict[str, Any], pointer: str) -> None:
    answer = await scene.client.get("/v1/attractions", params={"community_id": str(scene.place.id)} | query)

    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_days_that_are_asked_for_are_few_and_in_order(scene: Scene) -> None:
    one = await attractions.attraction(scene.museums)

    for first, last in (("2026-03-03", "2026-03-02"), ("2026-03-02", "2026-06-01")):
        refused = await scene.client.get(f"/v1/attractions/{one.id}/opening-days", params={"from": first, "to": last})
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/query/to"]
