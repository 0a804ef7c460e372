"""One open page: a slow reader is told in one piece, and what may not be heard is not said."""

import asyncio
import json
import time
import uuid
from typing import Any

from app.core import clock
from app.core.access import Actor, Membership
from app.identity.api import Reach
from app.portal.live.listeners import MOST_TOPICS, TODAY_OF_ALARMS_SECONDS, TODAY_SECONDS, Listener, Rights
from app.portal.live.topics import BROADCASTS, Change, Changes, Fact, attraction_change


class Line:
    """A line whose reader takes things in when they are let."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, message: Any) -> None:
        """Take a message."""
        await self.free.wait()
        self.said.append(message["body"])

    def topics(self) -> list[list[str]]:
        """Return what was said."""
        return [json.loads(chunk.split(b"data: ")[1])["topics"] for chunk in self.said if b"changed" in chunk]


def opened(line: Line) -> Listener:
    async def present(_: Any) -> None:
        return None

    listener = Listener(clock.new_id(), (), present, line.send)
    listener.open(None)
    return listener


async def quiet() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_slow_reader_is_told_in_one_piece() -> None:
    line = Line()
    listener = opened(line)
    line.free.clear()
    listener.nudge(["first"])
    await quiet()
    for number in range(1_000):
        listener.nudge([f"resident:{number % 7}", "today"])
    line.free.set()
    await quiet()
    assert line.topics() == [["first"], sorted({f"resident:{number}" for number in range(7)} | {"today"})]


async def test_of_too_much_it_is_said_that_everything_changed() -> None:
    line = Line()
    listener = opened(line)
    line.free.clear()
    listener.nudge(["first"])
    await quiet()
    listener.nudge([str(number) for number in range(MOST_TOPICS + 1)])
    line.free.set()
    await quiet()
    assert line.topics() == [["first"], ["*"]]


async def test_a_line_is_heard_now_and_then() -> None:
    line = Line()
    listener = opened(line)
    listener.beat(listener.read_at + 10, every=15, patience=60)
    await quiet()
    assert line.said == []
    listener.beat(listener.read_at + 16, every=15, patience=60)
    await quiet()
    assert line.said == [b"event: beat\ndata: {}\n\n"]


async def test_whoever_takes_nothing_in_is_given_up() -> None:
    line = Line()
    listener = opened(line)
    line.free.clear()
    listener.nudge(["first"])
    listener.beat(listener.read_at + 30, every=15, patience=60)
    ended = [listener.has_ended]
    listener.beat(listener.read_at + 90, every=15, patience=60)
    assert [*ended, listener.has_ended] == [False, True]
    listener.stop()


async def test_nothing_is_said_before_the_line_is_open() -> None:
    line = Line()

    async def present(_: Any) -> None:
        return None

    listener = Listener(clock.new_id(), (), present, line.send)
    listener.nudge(["early"])
    await quiet()
    assert line.said == []
    listener.open(None)
    await quiet()
    assert line.topics() == [["early"]]


def of_a_desk(line: Line) -> Listener:
    listener = opened(line)
    listener.know(Rights(Reach(own=None, residents={}, communities={clock.new_id(): ()}), at_desk=True, announces=None))
    return listener


async def test_an_overview_of_many_is_told_of_at_once_after_a_while_and_then_once_in_a_while() -> None:
    line, began = Line(), time.monotonic()
    listener = of_a_desk(line)
    listener.nudge(["today", "resident:1"])
    await quiet()
    for number in range(5):
        listener.nudge(["today", f"resident:{number}"], 40)
        await quiet()
    assert line.topics() == [["resident:1", "today"], *([f"resident:{number}"] for number in range(5))]
    line.said.clear()
    listener.beat(began + TODAY_SECONDS - 1, 60, 60)
    await quiet()
    assert line.topics() == []
    listener.beat(time.monotonic() + TODAY_SECONDS, 60, 60)
    await quiet()
    assert line.topics() == [["today"]]
    assert json.loads(line.said[0].split(b"data: ")[1])["spread"] == 40
    listener.beat(time.monotonic() + 2 * TODAY_SECONDS, 60, 60)
    await quiet()
    assert len(line.topics()) == 1


async def test_an_alarm_comes_into_the_overview_of_many_sooner() -> None:
    line = Line()
    listener = of_a_desk(line)
    listener.nudge(["today"])
    await quiet()
    listener.nudge(["today", "resident:1"])
    listener.nudge(["today", "alarm:1", "desk"])
    await quiet()
    listener.beat(time.monotonic() + TODAY_OF_ALARMS_SECONDS, 60, 60)
    await quiet()
    assert line.topics()[-1] == ["today"]
    assert "desk" in line.topics()[-2]


async def test_whoever_looks_after_a_few_is_told_of_everything_at_once() -> None:
    line = Line()
    listener = opened(line)
    listener.know(
        Rights(Reach(own=None, residents={clock.new_id(): ()}, communities={}), at_desk=False, announces=None)
    )
    for _ in range(3):
        listener.nudge(["today"])
        await quiet()
    assert line.topics() == [["today"]] * 3


def test_of_announcements_hears_who_writes_them_in_that_community() -> None:
    here, elsewhere = clock.new_id(), clock.new_id()
    nobody = Reach(None, {}, {})
    held = (Membership(clock.new_id(), "care_agency", "coordinator"),)
    rights = Rights.of(Actor("account", clock.new_id(), here, memberships=held), nobody)

    def heard(community_id: uuid.UUID) -> frozenset[str]:
        return rights.topics(Changes([Change(None, community_id, frozenset(), (BROADCASTS,))]), clock.now())

    assert heard(here) == {BROADCASTS}
    assert heard(elsewhere) == frozenset()
    carer = Rights.of(Actor("account", clock.new_id(), here), nobody)
    assert carer.announces is None


def test_of_an_attraction_hear_who_work_there_and_who_runs_the_community() -> None:
    here, theirs, nobody = clock.new_id(), clock.new_id(), Reach(None, {}, {})
    payload = {"organization_id": str(theirs)}
    facts = [
        Fact("community.ticket_order_confirmed.v1", clock.new_id(), here, payload),
        Fact("core.page_touched.v1", clock.new_id(), here, payload | {"part": "attraction"}),
    ]
    changes = [change for fact in facts if (change := attraction_change(fact)) is not None]
    assert len(changes) == 2
    topic = f"attractions:{theirs}"

    def heard(kind: str, role: str, organization_id: uuid.UUID, community_id: uuid.UUID = here) -> frozenset[str]:
        held = (Membership(organization_id, kind, role),)
        rights = Rights.of(Actor("account", clock.new_id(), community_id, memberships=held), nobody)
        return rights.topics(Changes(changes), clock.now())

    assert heard("attraction", "worker", theirs) == {topic}
    assert heard("operator", "operator", clock.new_id()) == {topic}
    assert heard("attraction", "coordinator", clock.new_id()) == frozenset()
    assert heard("operator", "dispatcher", clock.new_id()) == frozenset()
    assert heard("operator", "operator", clock.new_id(), clock.new_id()) == frozenset()


def test_what_says_nothing_of_an_organization_changes_no_attractions_page() -> None:
    here, payload = clock.new_id(), {"organization_id": str(clock.new_id())}
    for name, said in (
        ("community.order_completed.v1", payload),
        ("community.slot_moved.v1", {}),
        ("core.page_touched.v1", payload | {"part": "broadcast"}),
    ):
        assert attraction_change(Fact(name, clock.new_id(), here, said)) is None
