"""Batches: requests of one Bundle that have nothing to do with each other, each in its own unit of work."""

from collections.abc import Sequence
from typing import Any, Final

import structlog

from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import Problem
from app.core.retrying import retrying
from app.core.routing import problem_of
from app.fhir import entries
from app.fhir.elements import Json
from app.fhir.entries import Entry, done, located, understood
from app.fhir.negotiation import Answer, Preferences, written
from app.fhir.outcomes import issue, outcome
from app.fhir.registry import Asked, writing

log = structlog.get_logger(__name__)
_READING: Final = frozenset({"search", "read", "vread", "history"})


async def batch(actor: Actor, given: Sequence[Any], preferences: Preferences) -> Json:
    """Do the requests of a batch, each for itself, and return the Bundle that says how each went (FHIR R4, 3.1.0.11.1).

    What is created alike is created together, and apart where something of it is refused: it is the same in less time.
    """
    answers: dict[int, Answer] = {}
    alike: dict[str, list[Entry]] = {}
    for number, one in enumerate(given):
        try:
            entry = understood(number, one, preferences)
        except Problem as problem:
            answers[number] = entries.refused(problem)
            continue
        if entry.interaction == "create" and entry.resource.create_many and entry.said.if_none_exist is None:
            alike.setdefault(entry.resource.type, []).append(entry)
        else:
            answers[number] = await _alone(actor, entry)
    for several in alike.values():
        answers |= await _together(actor, several)
    shown = [entries.shown(answers[number]) for number in range(len(given))]
    return {"resourceType": "Bundle", "type": "batch-response", **({"entry": shown} if shown else {})}


async def _alone(actor: Actor, entry: Entry) -> Answer:
    async def attempt() -> Answer:
        async with unit_of_work() as session:
            return await done(await writing(actor, session), entry)

    try:
        if entry.interaction in _READING:
            async with reading() as connection:
                return await done(Asked(actor, connection), entry)
        return await retrying(attempt)
    except Exception as error:  # noqa: BLE001 - the others are done or will be, and have to be told
        return _refused(error, entry.number)


async def _together(actor: Actor, several: Sequence[Entry]) -> dict[int, Answer]:
    """Create what is alike; where that is refused, half of it and half of it, until what is refused is alone."""

    async def attempt() -> list[Json]:
        async with unit_of_work() as session:
            asked = await writing(actor, session)
            create_many = several[0].resource.create_many
            assert create_many is not None  # noqa: S101 - what they were put together by
            return await create_many(asked, [entry.document for entry in several])

    if len(several) == 1:
        return {several[0].number: await _alone(actor, several[0])}
    try:
        made = await retrying(attempt)
    except Exception as error:  # noqa: BLE001 - it is met again by what it is about
        problem = problem_of(error)
        if problem is not None and problem.status >= 500:
            return {entry.number: _refused(error, entry.number) for entry in several}
        answers: dict[int, Answer] = {}
        middle = len(several) // 2
        for half in (several[:middle], several[middle:]):
            answers |= await _together(actor, half)
        return answers
    return {entry.number: written(entry.said, one, created=True) for entry, one in zip(several, made, strict=True)}


def _refused(error: Exception, number: int) -> Answer:
    problem = problem_of(error)
    if problem is not None:
        return entries.refused(located(problem, number))
    log.error("fhir_entry_failed", exc_info=error)
    return Answer(500, outcome(issue("error", "exception", "Something went wrong on our side")))
