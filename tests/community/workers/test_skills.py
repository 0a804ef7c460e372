"""A skill counts until it runs out, where a certificate is asked for only once somebody saw it, and its end is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.privacy import export_subject
from app.media.rules import Purpose
from community.api import workers_for
from community.workers import jobs
from tests.community.workers.conftest import Scene, facts
from tests.factories import community_workers as made
from tests.factories import media, notifications, sign_in
from tests.media.samples import PDF

CERTIFICATE: dict[str, Any] = {
    "certificate_number": "FA-2026-77",
    "issued_on": "2025-04-11",
    "expires_on": "2026-04-10",
}
THE_END = datetime(2026, 4, 10, 16, tzinfo=UTC)
"""Midnight after the last day, in Shanghai."""


async def _can(scene: Scene, ends_at: datetime, *, skills: tuple[str, ...] = (), proved: tuple[str, ...] = ()) -> bool:
    span = (ends_at - timedelta(hours=2), ends_at)
    async with reading() as connection:
        return bool(await workers_for(connection, scene.provider.id, span, skills=skills, certificates=proved))


async def test_a_certificate_counts_once_seen_and_until_its_last_day_is_over(scene: Scene) -> None:
    worker = await made.worker(scene.provider, scene.mei)
    path = f"{scene.workers}/{worker.id}/skills/first-aid"
    proof = await media.sent(scene.client, scene.keeper, PDF, purpose=Purpose.DOCUMENT, content_type="application/pdf")

    given = await scene.asked("PUT", path, CERTIFICATE | {"proof_id": proof})
    assert (given["certificate_number"], given["is_verified"]) == ("FA-2026-77", False)
    assert given["proof"]["id"] == proof
    assert await _can(scene, THE_END, skills=("first-aid",))
    assert not await _can(scene, THE_END, proved=("first-aid",))

    seen = await scene.asked("POST", f"{path}/verification")
    assert seen["verified_by"] == str(scene.coordinator.id)
    assert await _can(scene, THE_END, proved=("first-aid",))
    assert not await _can(scene, THE_END + timedelta(minutes=1), skills=("first-aid",))
    assert not await _can(scene, THE_END, skills=("first-aid", "lifting"))


async def test_another_certificate_than_was_seen_has_yet_to_be(scene: Scene) -> None:
    worker = await made.worker(scene.provider, scene.mei)
    path = f"{scene.workers}/{worker.id}/skills/first-aid"
    await scene.asked("PUT", path, CERTIFICATE)
    await scene.asked("POST", f"{path}/verification")

    same = await scene.asked("PUT", path, CERTIFICATE)
    other = await scene.asked("PUT", path, CERTIFICATE | {"certificate_number": "FA-2027-1"})

    assert (same["is_verified"], other["is_verified"]) == (True, False)
    assert [(one["code"], one["because"]) for one in await facts("worker_skill_expired")] == [
        ("first-aid", "taken_back")
    ]
    await scene.asked("POST", f"{path}/verification")
    await scene.asked("DELETE", f"{path}/verification")
    await scene.asked("DELETE", path, expect=204)
    assert len(await facts("worker_skill_expired")) == 3
    assert (await scene.asked("GET", f"{scene.workers}/{worker.id}/skills"))["items"] == []


async def test_nobody_sees_to_their_own_certificate_or_to_none(scene: Scene) -> None:
    own = await made.worker(scene.provider, scene.coordinator)
    mei = await made.worker(scene.provider, scene.mei)
    await scene.asked("PUT", f"{scene.workers}/{own.id}/skills/first-aid", CERTIFICATE)
    await scene.asked("PUT", f"{scene.workers}/{mei.id}/skills/lifting", {})

    await scene.asked("POST", f"{scene.workers}/{own.id}/skills/first-aid/verification", expect=403)
    refused = await scene.asked("POST", f"{scene.workers}/{mei.id}/skills/lifting/verification", expect=409)

    assert refused["code"] == "nothing_to_verify"
    await scene.asked("POST", f"{scene.workers}/{mei.id}/skills/cooking/verification", expect=404)


async def test_an_end_is_told_of_before_it_comes_and_when_it_has(scene: Scene, clock: ManualClock) -> None:
    worker = await made.worker(scene.provider, scene.mei)
    path = f"{scene.workers}/{worker.id}/skills/first-aid"
    await scene.asked("PUT", path, CERTIFICATE)
    assert await jobs.tell_of_skills() == 0

    told = []
    for days in (30, 7, 0):
        clock.set(THE_END - timedelta(days=days))
        told.append(await jobs.tell_of_skills())
        assert await jobs.tell_of_skills() == 0

    assert told == [1, 1, 1]
    sent = [(row.notice_key, row.account_id) for row in await notifications.deliveries()]
    both = {scene.mei.id, scene.coordinator.id}
    assert [key for key, _ in sent] == ["community.skill_expires"] * 4 + ["community.skill_expired"] * 2
    assert {account for _, account in sent[:2]} == {account for _, account in sent[4:]} == both
    assert [one["because"] for one in await facts("worker_skill_expired")] == ["expired"]


async def test_a_renewed_certificate_is_told_of_at_its_own_time(scene: Scene, clock: ManualClock) -> None:
    worker = await made.worker(scene.provider, scene.mei)
    path = f"{scene.workers}/{worker.id}/skills/first-aid"
    await scene.asked("PUT", path, CERTIFICATE)
    await scene.asked("PUT", path, CERTIFICATE | {"issued_on": "2026-03-01", "expires_on": "2027-04-10"})

    clock.set(THE_END)

    assert await jobs.tell_of_skills() == 0
    assert await facts("worker_skill_expired") == []


async def test_a_document_is_the_workers_and_no_number_is_listed(scene: Scene) -> None:
    worker = await made.worker(scene.provider, scene.mei)
    proof = await media.sent(scene.client, scene.keeper, PDF, purpose=Purpose.DOCUMENT, content_type="application/pdf")
    await scene.asked("PUT", f"{scene.workers}/{worker.id}/skills/first-aid", CERTIFICATE | {"proof_id": proof})

    listed = await scene.asked("GET", scene.workers)
    own = await sign_in.sign_in(scene.mei)
    mine = await scene.asked("GET", "/v1/me/worker-profiles", by=own)

    assert (
        listed["items"][0]["skills"]
        == mine["items"][0]["skills"]
        == [
            {
                "code": "first-aid",
                "issued_on": "2025-04-11",
                "expires_on": "2026-04-10",
                "is_expired": False,
                "is_verified": False,
            }
        ]
    )
    exported = await _files_about(scene)
    assert exported == [proof]


async def _files_about(scene: Scene) -> list[str]:

    async with reading() as connection:
        held = await export_subject(connection, [scene.mei.id], ["media_upload"])
    return [str(row["id"]) for row in held["media_upload"]]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"expires_on": "2025-04-10"}, 422),
        ({"proof_id": "0190c0de-0000-7000-8000-000000000000"}, 404),
        ({"certificate_number": ""}, 422),
    ],
)
async def test_what_no_certificate_says(scene: Scene, changes: dict[str, Any], status: int) -> None:
    worker = await made.worker(scene.provider, scene.mei)
    path = f"{scene.workers}/{worker.id}/skills/first-aid"

    answer = await scene.client.put(path, json=CERTIFICATE | changes, headers=scene.keeper)

    assert answer.status_code == status
    assert (await scene.asked("GET", f"{scene.workers}/{worker.id}/skills"))["items"] == []
