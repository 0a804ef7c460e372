"""The demo shows all of elder care: what its people lived through is there for whoever looks through the API."""

from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import Database
from app.demo import attractions, clinic, home_services, outings, seeding, smart_home
from tests.demo.visitor import END, RESIDENTS, Visitor
from tests.factories.progress import Silence


@pytest.fixture
async def visitor(app: FastAPI, database: Database, clock: ManualClock) -> AsyncIterator[Visitor]:
    """Seed three weeks of a small community, and look at it a little later."""
    await seeding.seed(app, Silence(), residents=RESIDENTS, until=lambda: END)
    clock.set(END + timedelta(seconds=20))
    with seeding.phones(app) as lent:
        yield Visitor(lent, await seeding.found_again(lent, RESIDENTS))


async def test_three_weeks_show_every_capability(visitor: Visitor) -> None:
    await _residents_are_in_hospital_and_away(visitor)
    await _the_agency_plans_its_day_and_replaces_who_is_ill(visitor)
    await _carers_prove_that_they_came_and_write(visitor)
    await _goals_are_judged_every_week(visitor)
    await _the_desk_hands_over_and_practises(visitor)
    await _a_clinician_watches_whole_sets_of_readings(visitor)
    await _a_stock_ran_low_and_was_filled(visitor)
    await _moods_drift_and_small_things_become_one_alarm(visitor)
    await _circles_write_and_take_turns(visitor)
    await _somebody_left_a_zone_and_was_looked_for(visitor)
    await _the_practice_sees_people_in_every_way(visitor)
    await _whoever_waits_is_offered_what_comes_free(visitor)
    await _video_visits_were_held_and_written_about(visitor)
    await _what_was_prescribed_is_answered_and_the_last_of_it_waits(visitor)
    await _visitors_book_a_video_visit_within_minutes_and_have_a_link_each(visitor)
    await _help_at_home_was_ordered_planned_and_paid(visitor)
    await _people_went_out(visitor)
    await _a_home_notices_and_is_looked_after_from_afar(visitor)


async def _residents_are_in_hospital_and_away(visitor: Visitor) -> None:
    now = END + timedelta(seconds=20)
    absent = set()
    for resident in visitor.village.residents.values():
        for pause in await visitor.items(resident.actor, "/v1/me/check-in-pauses"):
            if pause["ended_at"] is None and _instant(pause["starts_at"]) <= now < _instant(pause["ends_at"]):
                absent.add(pause["kind"])
    assert absent == {"hospital", "away"}
    suspended = await visitor.items(visitor.resident(13).actor, "/v1/me/care-visits")
    assert "suspended" in {visit["state"] for visit in suspended}


async def _the_agency_plans_its_day_and_replaces_who_is_ill(visitor: Visitor) -> None:
    coordinator = visitor.staff("coordinator")
    agency = f"/v1/organizations/{coordinator.memberships[0].organization_id}"
    profiles = await visitor.items(coordinator, f"{agency}/carers")
    assert len(profiles) == len(visitor.village.staff["carer"])
    assert any("speaks_mandarin" in profile["skills"] for profile in profiles)
    today = END.date()
    assert len(await visitor.items(coordinator, f"{agency}/carer-shifts?date={today}")) == len(profiles)
    planned = await visitor.items(coordinator, f"{agency}/visits?date={today}")
    assert {visit["state"] for visit in planned} <= {"assigned", "en_route", "in_progress", "completed", "suspended"}
    assert any(visit["carers"] for visit in planned)

    waited = await visitor.get(coordinator, f"{agency}/visit-tolerances")
    assert (waited["said"]["late_after"], waited["applies"]["late_after"]) == ("PT20M", "PT20M")

    wednesday = date(2026, 4, 15)
    (absence,) = await visitor.items(coordinator, f"{agency}/carer-absences?date={wednesday}")
    made = await visitor.items(coordinator, f"{agency}/visits?date={wednesday}")
    assert "completed" in {visit["state"] for visit in made}
    assert "missed" not in {visit["state"] for visit in made}
    assert absence["account_id"] not in {carer["account_id"] for visit in made for carer in visit["carers"]}


async def _carers_prove_that_they_came_and_write(visitor: Visitor) -> None:
    coordinator, ways, words, photos = visitor.staff("coordinator"), set(), set(), []
    for number in (1, 5, 9, 13, 17):
        resident = visitor.resident(number)
        for listed in await visitor.items(resident.actor, "/v1/me/care-visits"):
            visit = await visitor.get(resident.actor, f"/v1/me/care-visits/{listed['id']}")
            ways |= {carer["arrival_how"] for carer in visit["carers"] if carer["departed_at"]}
            words |= {note["kind"] for note in visit["notes"]}
            photos += visit["photos"]
    assert ways == {"tag", "qr", "gps", "manual"}
    assert words == {"note", "handover"}
    assert {photo["purpose"] for photo in photos} == {"photo"}
    assert [tag["kind"] for tag in await _in_use(visitor, coordinator, 1)] == ["tag"]
    assert [tag["kind"] for tag in await _in_use(visitor, coordinator, 9)] == ["qr"]
    stops = [
        stop
        for carer in visitor.village.staff["carer"]
        for stop in await visitor.items(carer, f"/v1/me/visits?date={END.date()}")
    ]
    assert any(stop["handover"] for stop in stops)


async def _goals_are_judged_every_week(visitor: Visitor) -> None:
    resident = visitor.resident(1)
    goals = await visitor.items(resident.actor, "/v1/me/goals")
    assert [goal["target"] and goal["target"]["measure"] for goal in goals].count("mood") == 1
    assert {goal["judged_on"] for goal in goals} == {"2026-04-17"}
    judged = await visitor.items(resident.actor, "/v1/me/timeline?kind=goal_judged")
    assert len(judged) >= 2 * len(goals)


async def _in_use(visitor: Visitor, coordinator: Actor, number: int) -> list[dict[str, Any]]:
    tags = await visitor.items(coordinator, f"/v1/residents/{visitor.resident(number).id}/door-tags")
    return [tag for tag in tags if tag["revoked_at"] is None]


async def _the_desk_hands_over_and_practises(visitor: Visitor) -> None:
    desk = visitor.staff("dispatcher")
    falls = await visitor.alarms(9, "fall")
    assert [alarm["outcome"] for alarm in falls] == ["helped"] * len(falls)
    shown = await visitor.get(desk, f"/v1/duty-desk/alarms/{falls[0]['id']}")
    (handover,) = shown["handovers"]
    early, late = visitor.village.staff["dispatcher"][:2]
    assert handover["state"] == "accepted"
    assert (handover["giver"]["account_id"], handover["taker"]["account_id"]) == (str(early.id), str(late.id))
    assert handover["note"]
    assert shown["alarm"]["closed_by"] == str(late.id)

    coverage = await visitor.get(desk, "/v1/duty-desk/coverage")
    assert {person["account_id"] for person in coverage["on_shift"]} == {str(early.id), str(late.id)}
    assert coverage["gaps"] == []
    drills = await visitor.items(visitor.village.operator, "/v1/drills")
    report = await visitor.get(visitor.village.operator, f"/v1/drills/{drills[0]['id']}")
    assert report["finished_at"]
    assert report["taken_after"] is not None


async def _a_clinician_watches_whole_sets_of_readings(visitor: Visitor) -> None:
    clinician, watched = visitor.staff("clinician"), visitor.resident(14)
    of_watched = f"/v1/residents/{watched.id}"
    score = await visitor.get(clinician, f"{of_watched}/early-warning-score")
    assert (score["status"], score["total"], score["missing"]) == ("complete", 0, [])
    named = await visitor.items(visitor.village.operator, "/v1/responsible-clinicians")
    assert [one["account_id"] for one in named if one["is_in_force"]] == [str(clinician.id)]
    limits = await visitor.items(clinician, f"{of_watched}/vital-thresholds")
    assert {limit["code"] for limit in limits} == {"8480-6", "2708-6"}
    (alarm,) = await visitor.alarms(14, "vital_sign")
    assert alarm["state"] == "resolved"
    latest = await visitor.items(clinician, f"{of_watched}/vitals/latest")
    assert {one["code"]: one["status"] for one in latest}["2708-6"] == "within"


async def _a_stock_ran_low_and_was_filled(visitor: Visitor) -> None:
    resident = visitor.resident(15)
    relative = resident.circle[0].actor
    assert "eldercare.refill_due" in {notice["notice"] for notice in await visitor.items(relative, "/v1/me/inbox")}
    brought = [
        entry["kind"]
        for regimen in await visitor.items(relative, f"/v1/residents/{resident.id}/regimens")
        for entry in await visitor.items(relative, f"/v1/residents/{resident.id}/regimens/{regimen['id']}/refills")
    ]
    assert "refill" in brought


async def _moods_drift_and_small_things_become_one_alarm(visitor: Visitor) -> None:
    saddened, tired = visitor.resident(9), visitor.resident(17)
    flags = await visitor.items(saddened.circle[0].actor, f"/v1/residents/{saddened.id}/wellbeing/flags")
    assert "mood" in {flag["measure"] for flag in flags}
    told = {notice["notice"] for notice in await visitor.items(saddened.circle[0].actor, "/v1/me/inbox")}
    assert "eldercare.wellbeing_flagged" in told
    flags = await visitor.items(tired.circle[0].actor, f"/v1/residents/{tired.id}/wellbeing/flags")
    assert {flag["state"] for flag in flags if flag["measure"] == "activity"} == {"acknowledged"}

    alarms = [*await visitor.alarms(17, "low_activity"), *await visitor.alarms(17, "medication")]
    together = [{signal["kind"] for signal in one["signals"] if signal["is_hint"]} for one in alarms]
    assert {"low_activity", "medication"} in together
    assert {alarm["state"] for alarm in alarms} == {"resolved"}


async def _circles_write_and_take_turns(visitor: Visitor) -> None:
    resident = visitor.resident(10)
    relative = resident.circle[1].actor
    messages = await visitor.items(relative, f"/v1/residents/{resident.id}/circle-messages")
    assert any(message["photos"] for message in messages)
    marks = await visitor.items(relative, f"/v1/residents/{resident.id}/circle-read-marks")
    read_by = {mark["account_id"] for mark in marks if mark["read_up_to"]}
    assert str(resident.actor.id) in read_by
    assert read_by & {str(member.actor.id) for member in resident.circle}

    (member,) = await visitor.items(resident.circle[0].actor, "/v1/me/circles")
    of_member = f"/v1/me/circles/{member['id']}"
    swaps = await visitor.items(resident.circle[0].actor, f"{of_member}/swaps")
    assert "accepted" in {swap["state"] for swap in swaps}
    assert await visitor.items(resident.circle[0].actor, f"{of_member}/absences")
    rota = await visitor.get(resident.circle[0].actor, f"{of_member}/rota")
    assert len({tuple(one["member_id"] for one in slot["on_call"]) for slot in rota["slots"]}) > 1
    holidays = await visitor.items(relative, "/v1/holidays?from=2026-01-01&to=2026-12-31")
    assert ("2026-11-26", "Thanksgiving Day") in {(day["day"], day["name"]) for day in holidays}


async def _somebody_left_a_zone_and_was_looked_for(visitor: Visitor) -> None:
    resident = visitor.resident(7)
    alarms = await visitor.alarms(7, "wandering")
    assert {alarm["state"] for alarm in alarms} == {"resolved"}
    path = await visitor.items(resident.circle[0].actor, f"/v1/residents/{resident.id}/positions")
    (signal,) = alarms[0]["signals"]
    assert set(signal["evidence"]["position_ids"]) & {position["id"] for position in path}
    zones = await visitor.items(resident.circle[0].actor, f"/v1/residents/{resident.id}/safe-zones")
    assert [zone["side"] for zone in zones] == ["unknown"]  # its hours have just begun

    grants = await visitor.items(resident.actor, "/v1/me/grants?ended=true")
    opened = {grant["alarm_id"]: grant["grantee"]["account_id"] for grant in grants if grant["kind"] == "break_glass"}
    assert alarms[0]["id"] in opened
    looked = await _all(visitor, resident.actor, "/v1/me/data-accesses")
    searchers = {alarm["acknowledged_by"] for alarm in alarms}
    assert searchers & {one["actor_id"] for one in looked if one["action"] == "positions:list"}


async def _appointments(visitor: Visitor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for resident in visitor.village.residents.values():
        found += await visitor.items(resident.actor, "/v1/me/appointments")
    return found


async def _the_practice_sees_people_in_every_way(visitor: Visitor) -> None:
    keeper, practice = clinic.keeper(visitor.village), clinic.path_of(visitor.village)
    assert len(await visitor.items(keeper, f"{practice}/departments")) == 2
    people = await visitor.items(keeper, f"{practice}/practitioners")
    assert {language for person in people for language in person["languages"]} == {"en", "es", "zh-CN", "de"}
    offered = await visitor.items(keeper, f"{practice}/visit-types")
    assert {one["mode"] for one in offered} == {"video", "in_person", "phone", "home"}
    appointments = await _appointments(visitor)
    assert {one["status"] for one in appointments} >= {"booked", "fulfilled", "cancelled", "noshow"}
    # What is over and was not called off was moved on.
    assert any(one["sequence"] and one["status"] != "cancelled" for one in appointments)
    over = [one for one in appointments if _instant(one["ends_at"]) < END - timedelta(hours=1)]
    assert {one["status"] for one in over} <= {"fulfilled", "cancelled", "noshow"}
    told = {
        notice["notice"]
        for resident in visitor.village.residents.values()
        for notice in await visitor.items(resident.actor, "/v1/me/inbox")
    }
    assert {"telemedicine.queue_called", "telemedicine.appointment_reminder"} <= told
    news = {
        item["data"]["news"]
        for resident in visitor.village.residents.values()
        for item in await visitor.items(resident.actor, "/v1/me/timeline?kind=appointment_changed")
    }
    assert news == {"booked", "moved", "cancelled", "fulfilled", "noshow"}


async def _whoever_waits_is_offered_what_comes_free(visitor: Visitor) -> None:
    details = [
        await visitor.get(clinic.keeper(visitor.village), f"/v1/appointments/{one['id']}")
        for one in await _appointments(visitor)
        if one["visit_type"]["en"] == clinic.HEART
    ]
    ways = {tuple(change["status"] for change in one["history"])[:2] for one in details}
    assert {("pending", "booked"), ("proposed", "booked")} <= ways


async def _video_visits_were_held_and_written_about(visitor: Visitor) -> None:
    ended, notes = [], []
    for resident in visitor.village.residents.values():
        for visit in await visitor.items(resident.actor, "/v1/me/consultations"):
            if visit["state"] == "ended":
                ended.append(await visitor.get(resident.actor, f"/v1/consultations/{visit['id']}"))
                notes += await visitor.items(resident.actor, f"/v1/consultations/{visit['id']}/notes")
    assert ended
    assert all(visit["started_at"] and visit["appointment_id"] for visit in ended)
    spent = [person["seconds"] for visit in ended for person in visit["participants"]]
    assert (min(spent) >= 8 * 60, len(spent)) == (True, 2 * len(ended))
    assert len(notes) == len(ended)
    assert all(note["signed_at"] and note["content"]["instructions"] for note in notes)


async def _what_was_prescribed_is_answered_and_the_last_of_it_waits(visitor: Visitor) -> None:
    states, regimens = [], []
    for resident in visitor.village.residents.values():
        for proposal in await visitor.items(resident.actor, "/v1/me/regimen-proposals"):
            states.append(proposal["state"])
            assert proposal["prescribed"]["dosage"]
            if proposal["regimen_id"]:
                regimens.append(await visitor.get(resident.actor, f"/v1/me/regimens/{proposal['regimen_id']}"))
    assert states.count("proposed") == 1
    assert {"confirmed", "rejected"} & set(states)
    assert {regimen["state"] for regimen in regimens} <= {"active"}


async def _visitors_book_a_video_visit_within_minutes_and_have_a_link_each(visitor: Visitor) -> None:
    guide, doctor = visitor.village.guide.actor, visitor.village.staff["clinician"][1]
    slot = (await visitor.items(guide, "/v1/slots?mode=video"))[0]
    assert _instant(slot["starts_at"]) - END < timedelta(minutes=16)
    wanted = {
        "visit_type_id": slot["visit_type"]["id"],
        "practitioner_id": slot["practitioner"]["id"],
        "starts_at": slot["starts_at"],
    }
    held = await visitor.phones.ask(guide, "POST", "/v1/appointments", wanted)
    booked = await visitor.phones.ask(guide, "POST", f"/v1/appointments/{held['id']}/confirmation")
    path = f"/v1/consultations/{booked['consultation_id']}/links"
    links = {(await visitor.phones.ask(who, "POST", path))["url"] for who in (guide, doctor)}
    assert len(links) == 2


async def _all(visitor: Visitor, actor: Actor, path: str) -> Iterable[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        page = await visitor.get(actor, f"{path}?limit=100{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def _help_at_home_was_ordered_planned_and_paid(visitor: Visitor) -> None:
    keeper, path = home_services.desk(visitor.village), home_services.path_of(visitor.village)
    workers = await visitor.items(keeper, f"{path}/workers")
    assert all(worker["skills"] and worker["hours"] for worker in workers)
    assert len(workers) == len(home_services.PEOPLE)

    first, last = (END + timedelta(days=days) for days in (-20, 8))
    stretch = f"since={first:%Y-%m-%dT%H:%M:%SZ}&until={last:%Y-%m-%dT%H:%M:%SZ}"
    orders = await visitor.items(keeper, f"{path}/home-orders?{stretch}")
    done = [order for order in orders if order["state"] == "closed"]
    assert {order["category"] for order in done} >= {"cleaning", "repair", "meals", "personal_care", "laundry"}
    assert "assigned" in {order["state"] for order in orders}
    assert not [order for order in orders if order["is_late"]]
    assert not [order for order in orders if order["state"] == "finished" and _instant(order["ends_at"]).day < END.day]
    assert any(order["series_id"] for order in done)

    waiting = await visitor.items(visitor.village.operator, "/v1/unfilled-home-orders")
    assert [order["category"] for order in waiting if order["why"]]
    assert await visitor.items(keeper, f"{path}/invoices")
    (programme,) = await visitor.items(visitor.village.operator, "/v1/subsidy-programmes")
    assert programme["committed_amount"] > 0
    assert "sent" in {transfer["state"] for transfer in await visitor.items(keeper, f"{path}/transfers")}


async def _people_went_out(visitor: Visitor) -> None:
    keeper, path = attractions.keeper(visitor.village), attractions.path_of(visitor.village)
    near = await visitor.items(
        visitor.resident(0).actor, "/v1/attractions?latitude=41.305&longitude=-73.655&radius=2000"
    )
    assert {one["name"]["en"]: one["step_free"] for one in near} == {
        attractions.MUSEUM: True,
        attractions.GARDEN: True,
        attractions.MILL: False,
        attractions.LIGHTS: True,
    }
    stretch = f"since={END - timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}&until={END:%Y-%m-%dT%H:%M:%SZ}"
    orders = await visitor.items(keeper, f"{path}/ticket-orders?{stretch}")
    assert {order["channel"] for order in orders} == {"online", "office"}
    used = [ticket for order in orders for ticket in order["tickets"] if ticket["state"] == "admitted"]
    assert {ticket["needs_entitlement"] for ticket in used} == {None, "senior", "companion"}
    for place in near:
        assert await visitor.items(keeper, f"/v1/attractions/{place['id']}/admission-conflicts") == []
    tills = await visitor.items(keeper, f"{path}/office-shifts")
    assert {till["difference_amount"] for till in tills} == {0}

    trips = await visitor.items(keeper, f"{path}/trips")
    assert [trip["state"] for trip in trips] == ["open", "over", "over"]
    for number in outings.GOES_ALONG:
        went = await visitor.items(
            visitor.resident(number).actor, f"/v1/residents/{visitor.resident(number).id}/trip-participations"
        )
        assert {one["state"] for one in went} == {"going"}
    planner = visitor.resident(3)
    days = await visitor.items(planner.actor, f"/v1/residents/{planner.id}/itineraries")
    day = await visitor.get(planner.actor, f"/v1/itineraries/{days[-1]['id']}")
    (stop,), (left_out,) = day["stops"], day["left_out"]
    assert (stop["booking"], stop["state"], left_out["why"]) == ("booked", "arrived", "not_step_free")


async def _a_home_notices_and_is_looked_after_from_afar(visitor: Visitor) -> None:
    resident = visitor.resident(smart_home.LIVES_THERE)
    relative, of_resident = resident.circle[smart_home.MANAGES].actor, f"/v1/residents/{resident.id}"
    (home,) = await visitor.items(relative, f"{of_resident}/homes")
    of_home = f"/v1/homes/{home['id']}"
    assert (home["state"], home["lives_alone"], home["has_credentials"]) == ("active", True, True)
    assert len(await visitor.items(relative, f"{of_home}/states")) > 20
    assert (await visitor.get(resident.actor, f"{of_resident}{of_home.removeprefix('/v1')}/panel"))["is_announced"]

    noticed = {one["kind"]: one["state"] for one in await visitor.items(relative, f"{of_home}/incidents")}
    assert noticed == {"water": "over", "door_open_at_night": "over"}
    (alarm, *_) = await visitor.alarms(smart_home.LIVES_THERE, "water")
    assert (alarm["state"], bool(alarm["acknowledged_at"])) == ("resolved", True)
    told = {notice["notice"] for notice in await visitor.items(relative, "/v1/me/inbox")}
    assert "community.home_devices_silent" in told

    (light,) = await visitor.items(relative, f"{of_home}/automations")
    runs = await visitor.items(relative, f"/v1/home-automations/{light['id']}/runs")
    assert len(runs) >= 8
    commands = await visitor.items(relative, f"{of_home}/commands")
    assert ("unlock", "expired", "not_confirmed") in {(one["command"], one["state"], one["reason"]) for one in commands}
    assert {one["origin"] for one in commands if one["state"] == "confirmed"} == {"person", "automation"}

    check_ins = await visitor.items(resident.actor, "/v1/me/check-ins")
    assert [one["how"] for one in check_ins].count("home") >= 8
    (day,) = (await visitor.get(resident.circle[0].actor, f"{of_resident}/home-activity?day=2026-04-20"))["items"]
    assert any(max(room["quarters"]) for room in day["rooms"])
    assert any(room["usual"] for room in day["rooms"])
