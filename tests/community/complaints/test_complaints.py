"""Complaints: heard on both sides, decided once; the money waits, and goes back by rule."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from app.billing.authorizations.models import CARD_REFUNDS
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.lawfulness import years
from app.core.retention import forget_what_is_past
from app.media.rules import Purpose
from community.complaints import rules
from community.complaints.models import CHANGES, COMPLAINTS
from community.orders.models import ORDERS
from community.scores.models import RATINGS
from community.tips.models import TIPS
from tests.billing.test_ledger import balances
from tests.community.complaints.conftest import SAID, done, frozen, work
from tests.community.orders.conftest import THURSDAY, TOTAL, Body, Scene, session_of_resident, told
from tests.factories import identity, media, sign_in
from tests.media.samples import photo

DECISION = {"outcome": "refund", "reason": "The photos show it."}
HALF = TOTAL // 2


async def complained(scene: Scene, order: Body, **changes: str) -> Body:
    found: Body = await scene.do(order, "complaint", SAID | changes, expect=201)
    return found


async def test_a_decision_gives_back_on_the_card_and_the_books_balance(scene: Scene, paid: Body) -> None:
    opened = await complained(scene, paid)
    assert (opened["state"], await frozen(), await told("complaint_opened")) == ("open", TOTAL, {"Nora"})
    early = await scene.do(paid, "complaint/decision", DECISION, by=scene.operator, expect=409)
    assert (early["code"], early["complaint_state"]) == ("complaint_not_open", "open")
    await scene.do(paid, "complaint/answer", {"statement": "They were cleaned."}, by=scene.keeper)
    waiting = (await scene.ask("GET", "/v1/complaints-to-decide", by=scene.operator))["items"]
    assert [(one["order_id"], one["state"]) for one in waiting] == [(paid["id"], "answered")]
    decided = await scene.do(paid, "complaint/decision", DECISION, by=scene.operator)
    await work()

    assert (decided["state"], decided["outcome"], decided["refund_amount"]) == ("decided", "refund", HALF)
    assert (await frozen(), await told("complaint_decided")) == (0, {"Grace", "Nora"})
    async with reading() as connection:
        refunds = (await connection.execute(sa.select(CARD_REFUNDS))).all()
    assert [(one.state, one.amount) for one in refunds] == [("succeeded", HALF)]
    assert await balances() == {"card": TOTAL - HALF, "payable": -(TOTAL - HALF)}
    steps = [(one["transition"], one["who"], one["changed_by"] is not None) for one in decided["history"]]
    assert steps == [("open", "resident", True), ("answer", "provider", True), ("decide", "operator", True)]


async def test_of_two_decisions_at_once_one_counts(scene: Scene, paid: Body) -> None:
    await complained(scene, paid)
    await scene.do(paid, "complaint/answer", {"statement": "They were cleaned."}, by=scene.keeper)
    path = f"/v1/home-orders/{paid['id']}/complaint/decision"
    headers = sign_in.access_headers(scene.operator)
    both = [scene.client.post(path, json=DECISION, headers=headers) for _ in range(2)]
    answers = await asyncio.gather(*both)
    await work()

    assert sorted(one.status_code for one in answers) == [200, 409]
    assert await balances() == {"card": TOTAL - HALF, "payable": -(TOTAL - HALF)}


async def test_silence_brings_it_to_the_operator_who_is_reminded(scene: Scene, paid: Body, clock: ManualClock) -> None:
    await complained(scene, paid)
    clock.advance(rules.ANSWER)
    await work()
    seen = await scene.ask("GET", f"/v1/home-orders/{paid['id']}/complaint", by=scene.operator)
    assert (seen["state"], await told("complaint_to_decide")) == ("unanswered", {"Olga"})
    assert await told("complaint_unanswered") == {"Grace", "Nora"}
    clock.advance(rules.DECIDE)
    await work()
    later = await scene.ask("GET", f"/v1/home-orders/{paid['id']}/complaint", by=scene.operator)
    assert later["decide_by"] > seen["decide_by"]
    none = {"outcome": "rejected", "reason": "Nothing shows it."}
    ended = await scene.do(paid, "complaint/decision", none, by=scene.operator)
    assert (ended["outcome"], ended["refund_amount"], await frozen()) == ("rejected", 0, 0)


async def test_what_the_provider_accepts_is_done_anew_for_nothing(scene: Scene, paid: Body, clock: ManualClock) -> None:
    await complained(scene, paid, wish="rework")
    missing = await scene.do(paid, "complaint/acceptance", {}, by=scene.keeper, expect=422)
    assert missing["errors"][0]["pointer"] == "/body/starts_at"
    starts_at = (THURSDAY + timedelta(days=1)).isoformat()
    ended = await scene.do(paid, "complaint/acceptance", {"starts_at": starts_at}, by=scene.keeper)
    anew = await scene.seen({"id": ended["rework_id"]})

    assert (ended["outcome"], ended["decided_as"], await frozen()) == ("rework", "provider", 0)
    assert (anew["state"], anew["total"], anew["rework_of"]) == ("placed", 0, paid["id"])
    await scene.do(anew, "assignment", {"worker_id": str(scene.lin.id)}, by=scene.keeper)
    clock.set(THURSDAY + timedelta(days=1))
    await scene.do(anew, "start", {"code": anew["start_code"]}, by=scene.other)
    closed = await scene.do(anew, "completion", {"done": ["kitchen"]}, by=scene.other)
    assert (closed["state"], await balances()) == ("closed", {"card": TOTAL, "payable": -TOTAL})
    # Was that no better, it is still the first one's money that is given back.
    await complained(scene, anew, severity="total")
    assert await frozen() == TOTAL
    again = await scene.do(anew, "complaint/acceptance", {}, by=scene.keeper)
    await work()
    assert (again["refund_amount"], await balances()) == (TOTAL, {})


async def test_both_sides_add_what_they_have_until_it_is_too_late(scene: Scene, paid: Body, clock: ManualClock) -> None:
    await complained(scene, paid)
    upload = await media.sent(scene.client, sign_in.access_headers(scene.resident), photo(), purpose=Purpose.DOCUMENT)
    added = await scene.do(paid, "complaint/evidence", {"upload_id": upload}, expect=201)
    await scene.do(paid, "complaint/evidence", {"statement": "It rained."}, by=scene.keeper, expect=201)
    assert len(added["files"]) == 1
    clock.advance(rules.EVIDENCE)
    late = await scene.do(paid, "complaint/evidence", {"statement": "Late"}, expect=409)
    assert late["code"] == "evidence_closed"


async def test_who_may_complain_and_of_what(scene: Scene, paid: Body) -> None:
    ahead = await scene.placed(starts_at=(THURSDAY + timedelta(days=4)).isoformat())
    refused = await scene.do(ahead, "complaint", SAID, expect=409)
    stranger = await session_of_resident(await identity.resident(scene.place, phone="+8613800000009"))
    await scene.do(paid, "complaint", SAID, by=stranger, expect=404)
    await scene.do(paid, "complaint", SAID, by=scene.worker, expect=403)
    await scene.do(paid, "complaint", SAID, by=scene.daughter, expect=201)
    twice = await scene.do(paid, "complaint", SAID, expect=409)
    await scene.ask("GET", f"/v1/home-orders/{paid['id']}/complaint", by=scene.worker, expect=403)
    back = await scene.do(paid, "complaint/withdrawal")

    assert (refused["code"], twice["code"]) == ("nothing_to_complain_of", "complaint_exists")
    assert (back["state"], await frozen()) == ("withdrawn", 0)


async def test_what_was_paid_at_the_door_is_owed_no_longer(scene: Scene, clock: ManualClock) -> None:
    order = await done(scene, clock)
    await complained(scene, order, severity="total")
    ended = await scene.do(order, "complaint/acceptance", {}, by=scene.keeper)
    await work()

    assert (ended["refund_amount"], await balances()) == (TOTAL, {})
    assert (await scene.seen(order))["state"] == "closed"


async def test_what_was_said_goes_with_the_order_when_its_time_is_over(
    scene: Scene, paid: Body, clock: ManualClock
) -> None:
    await complained(scene, paid)
    await scene.do(paid, "rating", {"stars": 1, "comment": "Dirty"}, expect=201)
    await scene.do(paid, "tip", {"amount": 100, "method": "cash"}, expect=201)
    clock.advance(years(3) + timedelta(days=1))
    await forget_what_is_past()

    async with reading() as connection:
        for table in (ORDERS, COMPLAINTS, CHANGES, RATINGS, TIPS):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
