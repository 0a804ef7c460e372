"""Escalation plans: in force only with a duty desk that was tested."""

from datetime import timedelta

import httpx
import pytest

from app.core.clock import ManualClock
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

CIRCLE_THEN_DESK = {
    "steps": [
        {"target_kind": "circle", "wait_seconds": 30, "channels": ["push"]},
        {"target_kind": "duty_desk", "wait_seconds": 45, "channels": ["push", "sms"]},
    ]
}


async def test_a_plan_is_activated_only_after_a_person_answered_a_test_of_its_last_step(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    operator, desk = await sign_in(await identity.staff(scene.operator, "operator")), await sign_in(scene.desk)
    own = await sign_in_resident(scene.resident)
    made = await client.post("/v1/me/escalation-plans", headers=own, json=CIRCLE_THEN_DESK)
    assert (made.status_code, made.json()["state"]) == (201, "draft"), made.text
    activation = f"/v1/escalation-plans/{made.json()['id']}/activation"
    assert (await client.post(activation, headers=own)).json()["code"] == "desk_not_tested"

    narrow = await client.post("/v1/duty-desk-tests", headers=operator, json={"channels": ["push"]})
    await client.post(f"/v1/duty-desk-tests/{narrow.json()['id']}/answer", headers=desk)
    assert (await client.post(activation, headers=own)).json()["code"] == "desk_not_tested"
    test = await client.post("/v1/duty-desk-tests", headers=operator, json={"channels": ["push", "sms"]})
    assert (await alarms.notices_of(scene.desk))[-1][0] == "eldercare.desk_test"
    answer = f"/v1/duty-desk-tests/{test.json()['id']}/answer"
    assert (await client.post(answer, headers=own)).status_code == 403
    assert (await client.post(activation, headers=own)).json()["code"] == "desk_not_tested"
    assert (await client.post(answer, headers=desk)).json()["answered_by"] == str(scene.desk.id)

    active = await client.post(activation, headers=own)
    assert (active.status_code, active.json()["state"]) == (200, "active"), active.text
    assert (await client.post(activation, headers=own)).json()["code"] == "plan_not_a_draft"
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    assert [person for _, _, person in await alarms.told(alarm)] == [person.id for person in scene.circle]

    newer = await client.post("/v1/me/escalation-plans", headers=own, json=CIRCLE_THEN_DESK)
    assert (await client.post(f"/v1/escalation-plans/{newer.json()['id']}/activation", headers=own)).status_code == 200
    states = [item["state"] for item in (await client.get("/v1/me/escalation-plans", headers=own)).json()["items"]]
    assert states == ["active", "retired"]
    assert (await alarms.current(alarm)).plan_id is not None

    late = await client.post("/v1/me/escalation-plans", headers=own, json=CIRCLE_THEN_DESK)
    clock.advance(timedelta(days=31))
    own = await sign_in_resident(scene.resident)
    refused = await client.post(f"/v1/escalation-plans/{late.json()['id']}/activation", headers=own)
    assert refused.json()["code"] == "desk_not_tested"


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"target_kind": "circle"}],
        [{"target_kind": "duty_desk"}, {"target_kind": "circle"}],
        [{"target_kind": "duty_desk"}, {"target_kind": "duty_desk"}],
        [{"target_kind": "circle_member"}, {"target_kind": "duty_desk"}],
        [{"target_kind": "organization"}, {"target_kind": "duty_desk"}],
        [{"target_kind": "duty_desk", "wait_seconds": 5}],
        [{"target_kind": "duty_desk", "channels": ["pigeon"]}],
    ],
)
async def test_a_plan_that_would_end_silently_is_refused(
    client: httpx.AsyncClient, steps: list[dict[str, object]]
) -> None:
    resident = await identity.resident(await identity.community())
    answer = await client.post(
        "/v1/me/escalation-plans", headers=await sign_in_resident(resident), json={"steps": steps}
    )
    assert answer.status_code == 422


async def test_a_plan_calls_nobody_who_does_not_serve_the_resident(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    own = await sign_in_resident(scene.resident)
    agency = await identity.organization(scene.community, "care_agency")
    steps = [{"target_kind": "organization", "target_id": str(agency.id)}, {"target_kind": "duty_desk"}]
    refused = await client.post("/v1/me/escalation-plans", headers=own, json={"steps": steps})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/body/steps/0/target_id"]
    await identity.agreement(agency, None, scene.resident)
    assert (await client.post("/v1/me/escalation-plans", headers=own, json={"steps": steps})).status_code == 201


async def test_the_default_of_a_community_is_its_operators(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    operator, desk = await sign_in(await identity.staff(scene.operator, "operator")), await sign_in(scene.desk)
    path = "/v1/escalation-plans"
    assert (await client.post(path, headers=desk, json=CIRCLE_THEN_DESK)).status_code == 403
    made = await client.post(path, headers=operator, json=CIRCLE_THEN_DESK)
    assert made.status_code == 201
    elsewhere = await sign_in(await identity.operator(await identity.community(name="Elsewhere")))
    assert (await client.post(f"{path}/{made.json()['id']}/activation", headers=elsewhere)).status_code == 404
    assert (await client.get(path, headers=desk)).json()["items"][0]["id"] == made.json()["id"]
