"""A trip is planned, written anew, published, and stays as it is."""

from tests.community.trips.conftest import Trips, plan
from tests.community.trips.test_paying import PRICE
from tests.factories import community_attractions


async def test_a_stop_is_where_its_attraction_is(trips: Trips) -> None:
    house = await community_attractions.organization(trips.scene.place)
    garden = await community_attractions.attraction(house)
    hidden = await community_attractions.attraction(house, state="draft")
    stops = plan()["stops"]
    stops[1]["attraction_id"] = str(garden.id)
    shown = await trips.planned(stops=stops)
    lake = shown["stops"][1]
    assert (lake["attraction_id"], lake["latitude"], lake["longitude"]) == (str(garden.id), 31.23, 121.47)
    stops[1]["attraction_id"] = str(hidden.id)
    path = f"/v1/organizations/{trips.scene.provider.id}/trips"
    refused = await trips.ask("POST", path, plan(stops=stops), by=trips.scene.keeper, expect=422)
    assert refused["errors"][0]["pointer"] == "/body/stops/1/attraction_id"


async def test_a_draft_is_written_anew_and_a_published_trip_stays_as_it_is(trips: Trips) -> None:
    draft = await trips.planned(publish=False)
    path, by = f"/v1/trips/{draft['id']}", trips.scene.keeper
    body = plan(seats=30, price=PRICE, leader_ids=[str(trips.scene.mei.id)])
    await trips.ask("PUT", path, body, by=by, extra={"If-Match": '"99"'}, expect=412)
    written = await trips.ask("PUT", path, body, by=by, extra={"If-Match": f'"{draft["version"]}"'})
    assert (written["seats"], written["price"], len(written["stops"])) == (30, PRICE, 3)
    await trips.keep("publication")
    assert (await trips.ask("PUT", path, body, by=by, expect=409))["code"] == "trip_not_open"
    listed = await trips.ask("GET", "/v1/trips?limit=1")
    assert (len(listed["items"]), listed["next"] is None) == (1, False)
    mine = await trips.ask("GET", f"/v1/organizations/{trips.scene.provider.id}/trips", by=by)
    assert {one["id"] for one in mine["items"]} >= {draft["id"]}
    await trips.ask("PUT", path, body, expect=403)
    unled = await trips.planned(publish=False, leader_ids=[])
    await trips.ask("POST", f"/v1/trips/{unled['id']}/publication", {}, by=by, expect=422)
