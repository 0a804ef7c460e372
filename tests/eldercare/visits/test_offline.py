"""What a phone kept while it had no network: it counts with the time it was, once, and undoes nothing unseen."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from eldercare.visits import rules
from eldercare.visits.rules import Word
from tests.eldercare.visits.conftest import Phone, PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import media
from tests.media.samples import photo

BY_HAND = {"how": "manual", "reason": "The tag is broken"}


async def for_two(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> tuple[sa.Row[Any], Phone, Phone]:
    """Two carers are at a visit from its beginning."""
    await made.template(scene.plan, carers=2)
    visit = (await made.visits(scene.resident))[0]
    for carer in (scene.carer, scene.other_carer):
        await made.assign(visit.id, carer)
    clock.set(visit.starts_at)
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    for one in (cai, dana):
        await one("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    return visit, cai, dana


async def test_a_whole_visit_that_is_told_of_an_hour_later_has_the_times_it_had(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, client: httpx.AsyncClient
) -> None:
    await made.template(scene.plan)
    visit = (await made.visits(scene.resident))[0]
    await made.assign(visit.id, scene.carer)
    cai = await phone_of(scene.carer)
    clock.set(visit.ends_at + timedelta(hours=1))

    def at(minutes: int) -> str:
        return str((visit.starts_at + timedelta(minutes=minutes)).isoformat())

    url = f"/visits/{visit.id}"
    shown = await cai("POST", f"{url}/en-route", {"occurred_at": at(-10)})
    await cai("POST", f"{url}/arrival", {"proof": BY_HAND, "occurred_at": at(1)})
    for number, task in enumerate(shown["tasks"]):
        await cai("POST", f"{url}/ticks", {"task_id": task["id"], "occurred_at": at(5 + number)})
    note = await cai("POST", f"{url}/notes", {"text": "Ate well", "occurred_at": at(9)}, expect=201)
    upload_id = await media.sent(client, await cai.headers(), photo())
    await cai("POST", f"{url}/photos", {"upload_id": upload_id, "occurred_at": at(12)}, expect=201)
    left = await cai("POST", f"{url}/departure", {"proof": BY_HAND, "occurred_at": at(29)})

    def same(given: str | None, minutes: int) -> bool:
        return given == at(minutes).replace("+00:00", "Z")

    assert same(left["started_at"], 1)
    assert same(left["completed_at"], 29)
    assert [same(task["ticked_at"], 5 + number) for number, task in enumerate(left["tasks"])] == [True, True]
    assert same(note["written_at"], 9)
    assert [same(one["taken_at"], 12) for one in left["photos"]] == [True]
    (carer,) = await made.carers(visit.id)
    assert carer.en_route_at == visit.starts_at - timedelta(minutes=10)


@pytest.mark.parametrize("minutes", [-24 * 60 - 1, 5])
async def test_no_phone_is_believed_for_longer_than_a_day_nor_ahead(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, minutes: int
) -> None:
    visit, cai, _ = await for_two(scene, phone_of, clock)
    when = {"occurred_at": (clock.now() + timedelta(minutes=minutes)).isoformat()}
    task = (await cai("GET", f"/visits/{visit.id}"))["tasks"][0]["id"]
    for what, body in (("ticks", {"task_id": task}), ("notes", {"text": "Ate well"})):
        refused = await cai("POST", f"/visits/{visit.id}/{what}", body | when, expect=409)
        assert refused["code"] == "wrong_time"


async def test_nothing_is_done_at_a_visit_before_it_began(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit, cai, _ = await for_two(scene, phone_of, clock)
    slow = {"occurred_at": (clock.now() - timedelta(minutes=10)).isoformat()}
    clock.advance(timedelta(minutes=1))
    note = await cai("POST", f"/visits/{visit.id}/notes", {"text": "Ate well"} | slow, expect=201)
    assert note["written_at"] == visit.starts_at.isoformat().replace("+00:00", "Z")


async def test_where_a_colleague_said_otherwise_whoever_had_no_network_decides(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit, cai, dana = await for_two(scene, phone_of, clock)
    url = f"/visits/{visit.id}/ticks"
    task = (await cai("GET", f"/visits/{visit.id}"))["tasks"][0]["id"]
    clock.advance(timedelta(minutes=5))
    kept_at = clock.now()
    clock.advance(timedelta(minutes=5))
    await dana("POST", url, {"task_id": task, "is_done": False, "reason": "Not hungry"})
    clock.advance(timedelta(minutes=5))
    kept = {"task_id": task, "occurred_at": kept_at.isoformat()}
    refused = await cai("POST", url, kept, expect=409)
    assert (refused["code"], refused["is_done"], refused["ticked_by"]) == (
        "task_recorded",
        False,
        str(scene.other_carer.id),
    )
    told = await cai("GET", f"/visits/{visit.id}")
    assert told["tasks"][0]["reason"] == "Not hungry"
    # The same as the colleague said changes nothing, not even who said it.
    same = await cai("POST", url, kept | {"is_done": False, "reason": "Asleep"})
    assert (same["tasks"][0]["reason"], same["tasks"][0]["ticked_by"]) == ("Not hungry", str(scene.other_carer.id))
    decided = await cai("POST", url, kept | {"confirmed": True})
    assert (decided["tasks"][0]["is_done"], decided["tasks"][0]["ticked_by"]) == (True, str(scene.carer.id))


async def test_what_comes_late_does_not_undo_ones_own_later_word(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit, cai, _ = await for_two(scene, phone_of, clock)
    url = f"/visits/{visit.id}/ticks"
    task = (await cai("GET", f"/visits/{visit.id}"))["tasks"][0]["id"]
    earlier = clock.now().isoformat()
    clock.advance(timedelta(minutes=5))
    await cai("POST", url, {"task_id": task, "is_done": False, "reason": "Asleep"})
    clock.advance(timedelta(minutes=5))
    after = await cai("POST", url, {"task_id": task, "occurred_at": earlier})
    assert (after["tasks"][0]["is_done"], after["tasks"][0]["reason"]) == (False, "Asleep")


_PEOPLE = st.sampled_from([uuid.UUID(int=1), uuid.UUID(int=2)])
_WORDS = st.builds(Word, st.booleans(), st.datetimes(), _PEOPLE)


@given(said=_WORDS, word=_WORDS)
def test_no_belated_word_undoes_a_colleagues_unseen(said: Word, word: Word) -> None:
    weighed = rules.weighed(said, word, is_belated=True, confirmed=False)
    if said.by != word.by:
        assert weighed == ("known" if said.is_done == word.is_done else "doubt")
    else:
        assert weighed == ("counts" if word.at >= said.at else "known")
    assert rules.weighed(said, word, is_belated=True, confirmed=True) == "counts"
    assert rules.weighed(said, word, is_belated=False, confirmed=False) == "counts"
    assert rules.weighed(None, word, is_belated=True, confirmed=False) == "counts"
