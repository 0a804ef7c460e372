"""Scans are brought: in any order, as often as it takes, and each counts once.

One upload is one unit of work. The gate's row is locked first, then tickets and cards in the order of their ids, and
the attraction's crowd last: gates that bring the same ticket at once wait for each other, and never in a circle.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, sealing
from app.core.database import reading, unit_of_work
from app.core.problems import TooManyRequests
from app.core.rate_limits import use
from app.core.retrying import retrying
from app.core.touching import touch
from app.core.wall_time import resolve, zone
from community.attractions.service.crowd import CrowdChange, note_crowds
from community.gates import repository, rules
from community.gates.access import AtAttraction
from community.gates.models import OVERRIDE_REASON, Gate
from community.gates.problems import GateClosed
from community.gates.repository import NewConflict, NewScan
from community.gates.rules import Admission, Clock, Judgement, Pass, Reason, Verdict
from community.gates.schemas import ScanGiven, ScanResult, ScanResults, ScansGiven
from community.gates.service.naming import Named, Names, ShownCard, name_all
from community.gates.service.telling import tell_clock, tell_conflicts
from community.gates.views.bundles import free_by
from community.gates.views.known import answered, passes_of_cards, passes_of_tickets, tickets_of_residents
from community.ticket_orders.repository.tickets import tickets_locked
from community.ticket_orders.service.admitting import mark_admitted

Key = tuple[uuid.UUID, str]
"""A ticket, or a card on one day of the attraction's wall: every day it opens anew."""


@dataclass(slots=True)
class _Brought:
    """A scan that was not brought before, and what is found of it on the way."""

    id: uuid.UUID
    given: ScanGiven
    clock: Clock
    named: Named
    key: Key | None = None
    fault: Reason | None = None
    persons: int = 1

    @property
    def is_told(self) -> bool:
        """Say whether somebody had passed before we were asked."""
        return _is_told(self.given)

    def passing(self) -> Pass:
        """Return it as the rules judge it."""
        return Pass(
            id=self.id,
            at=self.clock.at,
            direction=self.given.direction,
            persons=self.persons,
            is_told=self.is_told,
            fault=self.fault,
            is_waived=self.given.override_reason is not None,
            is_through=self.given.direction == "exit" or self.given.decision != "refused",
        )


@dataclass(slots=True)
class _Known:
    """What is true of what scans name: each ticket and card, its passes so far, and whose tickets are whose."""

    admissions: dict[Key, Admission] = field(default_factory=dict)
    passes: dict[Key, list[Pass]] = field(default_factory=dict)
    residents: dict[uuid.UUID, uuid.UUID | None] = field(default_factory=dict)


async def take(at: AtAttraction, given: ScansGiven) -> ScanResults:
    """Take what was scanned at a gate and return what became of each scan; raises ``GateClosed``,
    ``TooManyRequests``.

    Nobody is let in twice by it, and what was brought before is answered as it was then.
    """
    now = clock.now()
    ahead = rules.clock_ahead(given.sent_at, now)
    scans = {scan.nonce: scan for scan in reversed(given.scans)}
    if numbers := {scan.card.number for scan in scans.values() if scan.card is not None}:
        await _count_numbers(at, len(numbers))
    async with reading() as connection:
        before = _final(await answered(connection, at.id, scans), scans)
    # What was brought before is not read again: most of what a scanner sends twice, it sends because of a bad network.
    names = await name_all(at, [scan for nonce, scan in scans.items() if nonce not in before], now)
    results = await retrying(lambda: _take(at, scans, names, ahead))
    return ScanResults(results=[results[scan.nonce] for scan in given.scans], clock_ahead=ahead)


async def _count_numbers(at: AtAttraction, count: int) -> None:
    """Raise ``TooManyRequests`` once somebody shows more numbers of cards than visitors could: they try them out."""
    allowance = await use("gate_card_numbers", str(at.actor.id), rules.NUMBERS, amount=count)
    if not allowance.allowed:
        raise TooManyRequests(headers={"Retry-After": str(allowance.retry_after)})


async def _take(
    at: AtAttraction, scans: dict[uuid.UUID, ScanGiven], names: Names, ahead: int
) -> dict[uuid.UUID, ScanResult]:
    async with unit_of_work() as session:
        gate = await repository.locked_gate(session, at.id)
        if not gate.is_active:
            raise GateClosed
        kept = await answered(await session.connection(), gate.id, scans)
        known = _final(kept, scans)
        if again := [row.id for nonce, row in kept.items() if nonce not in known]:
            await repository.forget(session, again)
        results = {
            nonce: ScanResult(nonce=nonce, outcome=row.outcome, reason=row.reason) for nonce, row in known.items()
        }
        now = clock.now()
        new = [
            _Brought(clock.new_id(), scan, _when(scan, ahead, now), names.of[nonce])
            for nonce, scan in scans.items()
            if nonce not in known
        ]
        if new:
            results |= await _judge_all(session, at, gate, new, names)
            whose = {"community_id": at.community_id, "organization_id": at.organization_id}
            await touch(session, "attraction", at.attraction_id, **whose)
        await repository.heard(session, gate.id, ahead)
        if abs(ahead) > rules.WRONG.total_seconds():
            await tell_clock(session, gate, ahead)
        return results


def _final(kept: Mapping[uuid.UUID, sa.Row[Any]], scans: Mapping[uuid.UUID, ScanGiven]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Return what is answered as before: all but whom we turned away and the gate, which did not hear it, let in."""
    return {
        nonce: row
        for nonce, row in kept.items()
        if not (row.is_turned_away and _is_told(scans[nonce]) and scans[nonce].decision != "refused")
    }


async def _judge_all(
    session: AsyncSession, at: AtAttraction, gate: Gate, new: Sequence[_Brought], names: Names
) -> dict[uuid.UUID, ScanResult]:
    known = await _learn(session, at, new, names)
    by_key: dict[Key, list[_Brought]] = {}
    verdicts: dict[uuid.UUID, Verdict] = {}
    conflicts: list[NewConflict] = []
    crowd: list[CrowdChange] = []
    for one in new:
        if one.key is not None:
            by_key.setdefault(one.key, []).append(one)
            continue
        verdicts[one.id] = verdict = _of_nobody(one)
        if verdict.outcome == "conflict" and verdict.reason is not None:
            conflicts.append(NewConflict(clock.new_id(), one.id, None, verdict.reason))
        if verdict.is_through:
            crowd.append(CrowdChange(gate.attraction_id, one.persons, one.clock.at))
    wall = zone(at.time_zone)
    admitted, well = [], []
    for key, brought in by_key.items():
        of, before = known.admissions[key], known.passes.get(key, [])
        found = rules.judge(of, before, [one.passing() for one in brought], wall)
        verdicts |= found.verdicts
        if found.change:
            crowd.append(CrowdChange(gate.attraction_id, found.change, max(one.clock.at for one in brought)))
        if found.admitted_at is not None and of.state == "valid" and key[1] == "":
            admitted.append((key[0], found.admitted_at))
        conflicts += _conflicts(found)
        well += [one.id for one in before if one.id is not None and one.id not in found.excess]
    await repository.add_scans(session, gate, [_kept(at, one, verdicts[one.id]) for one in new])
    await mark_admitted(session, admitted)
    await repository.explain(session, well)
    if count := await repository.keep_conflicts(session, gate, conflicts):
        await tell_conflicts(session, gate, count, conflicts[0].scan_id)
    await _trace_overrides(session, at, new, known)
    await note_crowds(session, crowd)
    return {
        one.given.nonce: ScanResult(
            nonce=one.given.nonce, outcome=verdicts[one.id].outcome, reason=_reason(one, verdicts[one.id])
        )
        for one in new
    }


async def _learn(session: AsyncSession, at: AtAttraction, new: Sequence[_Brought], names: Names) -> _Known:
    """Find what each scan opens, with what is true of it; holds the tickets and cards until the end."""
    known = _Known()
    await _find_tickets_of_cards(session, at, new)
    wall = zone(at.time_zone)
    ticket_ids = {one.named.ticket_id for one in new if one.named.ticket_id is not None}
    for row in await tickets_locked(session, ticket_ids) if ticket_ids else ():
        if row.community_id != at.community_id:
            continue  # nobody learns of it, and it is on nobody's trail
        known.admissions[row.id, ""] = _of_ticket(row)
        known.residents[row.id] = row.resident_id
    for one in new:
        if one.clock.at < clock.now() - rules.OLDEST:
            one.fault = "too_old"
        elif one.named.ticket_id is not None:
            key = (one.named.ticket_id, "")
            one.key, one.fault = (key, None) if key in known.admissions else (None, "unknown_ticket")
        elif one.named.card is not None:
            free = free_by(one.named.card.entitlements, names.terms)
            if free is None:
                one.fault = "no_ticket"
                continue
            one.key = (one.named.card.id, one.clock.at.astimezone(wall).date().isoformat())
            known.admissions[one.key] = Admission(at.attraction_id, free[1], "same_day")
        else:
            one.fault = one.named.reason
    _weigh(at, new, known)
    await _remember(session, at, new, known)
    _put_last(new, known)
    return known


def _weigh(at: AtAttraction, new: Sequence[_Brought], known: _Known) -> None:
    """Say of each scan how many it is for, and what is wrong with it by itself."""
    for one in new:
        if one.key is None:
            one.persons = one.given.persons or 1
            continue
        of = known.admissions[one.key]
        is_card = one.named.card is not None and one.key[1] != ""
        one.persons = min(one.given.persons or (1 if is_card else of.persons), of.persons)
        if one.given.direction == "entry":
            one.fault = rules.fault(of, at.attraction_id, one.named.revision, one.clock.at)
            if one.given.override_reason is not None and one.fault not in rules.NOT_OVERRIDDEN:
                one.fault = None


async def _find_tickets_of_cards(session: AsyncSession, at: AtAttraction, new: Sequence[_Brought]) -> None:
    """Have a card stand for its holder's ticket where they have one for that moment."""
    shown = [(one, one.named.card) for one in new if one.named.card is not None]
    if not shown:
        return
    instants = [one.clock.at for one, _ in shown]
    rows = await tickets_of_residents(
        await session.connection(),
        at.attraction_id,
        {card.resident_id for _, card in shown},
        min(instants) - rules.LEAVES_WITHIN,
        max(instants) + rules.WRONG,
    )
    for one, card in shown:
        is_exit = one.given.direction == "exit"
        late = rules.LEAVES_WITHIN if is_exit else rules.WRONG
        theirs = [
            row
            for row in rows
            if row.resident_id == card.resident_id
            and row.valid_from - rules.WRONG <= one.clock.at < row.valid_until + late
        ]
        best = min(theirs, key=lambda row: _place(row, card, is_exit=is_exit), default=None)
        if best is not None:
            one.named = Named(ticket_id=best.id, card=card)


def _place(row: sa.Row[Any], card: ShownCard, *, is_exit: bool) -> tuple[bool, bool, bool]:
    """Return which ticket comes first: for going out one that is used, for coming in what the card bought, then what
    is not used yet.
    """
    return is_exit and row.state != "admitted", row.card_id != card.id, row.state != "valid"


async def _remember(session: AsyncSession, at: AtAttraction, new: Sequence[_Brought], known: _Known) -> None:
    """Find the passes so far of all that is scanned."""
    connection = await session.connection()
    wall = zone(at.time_zone)
    tickets = [key[0] for key in known.admissions if key[1] == ""]
    cards = [one for one in new if one.key is not None and one.key[1] != ""]
    rows = await passes_of_tickets(connection, at.attraction_id, tickets) if tickets else []
    if cards:
        card_ids = sorted({one.key[0] for one in cards if one.key is not None})
        await repository.lock_cards(session, card_ids)
        days = {one.clock.at.astimezone(wall).date() for one in cards}
        since = resolve(min(days), datetime.min.time(), at.time_zone)
        until = resolve(max(days) + timedelta(days=1), datetime.min.time(), at.time_zone)
        rows += await passes_of_cards(connection, at.attraction_id, card_ids, since, until)
    for row in rows:
        day = "" if row.ticket_id is not None else row.scanned_at.astimezone(wall).date().isoformat()
        key = (row.ticket_id or row.card_id, day)
        known.passes.setdefault(key, []).append(
            Pass(
                id=row.id,
                at=row.scanned_at,
                direction=row.direction,
                persons=row.persons,
                fault=row.fault,
                is_waived=row.is_waived,
                is_through=row.is_through,
            )
        )


def _put_last(new: Sequence[_Brought], known: _Known) -> None:
    """Have those who are asked for come after all who passed: we are asked now, and waited for others that told us."""
    now = clock.now()
    for one in new:
        if not one.is_told and one.key is not None:
            one.clock = Clock(rules.after_all(known.passes.get(one.key, ()), now), one.clock.ahead)


def _is_told(given: ScanGiven) -> bool:
    return given.decision is not None or given.override_reason is not None


def _when(given: ScanGiven, ahead: int, now: datetime) -> Clock:
    """Return when a scan was made by our clock: one that asks is made now, whatever the scanner says."""
    found = rules.judged(given.scanned_at, given.clock_ahead, ahead, now)
    return found if _is_told(given) else Clock(now, found.ahead)


def _of_nobody(one: _Brought) -> Verdict:
    """Return what becomes of a scan that names no ticket or card we know: whoever was let in by it, was so wrongly."""
    if one.given.direction == "entry" and one.given.decision != "refused" and one.is_told and one.fault != "too_old":
        return Verdict("conflict", one.fault, is_through=True)
    return Verdict("refused", one.fault, is_through=False)


def _of_ticket(row: Any) -> Admission:
    return Admission(
        attraction_id=row.attraction_id,
        persons=row.persons,
        reentry=row.reentry,
        state=row.state,
        revision=row.revision,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        admitted_at=row.admitted_at,
    )


def _conflicts(found: Judgement) -> list[NewConflict]:
    return [
        NewConflict(clock.new_id(), scan_id, excess.other, excess.reason) for scan_id, excess in found.excess.items()
    ]


def _reason(one: _Brought, verdict: Verdict) -> Reason | None:
    """Return why a scan ended as it did: what the scanner said of whom it refused, it knew best."""
    is_theirs = verdict.outcome == "refused" and one.given.decision == "refused"
    return one.given.reason or verdict.reason if is_theirs else verdict.reason


def _kept(at: AtAttraction, one: _Brought, verdict: Verdict) -> NewScan:
    why = one.given.override_reason
    is_card = one.key is not None and one.key[1] != ""
    return NewScan(
        id=one.id,
        nonce=one.given.nonce,
        ticket_id=one.key[0] if one.key is not None and not is_card else None,
        card_id=one.key[0] if one.key is not None and is_card else None,
        direction=one.given.direction,
        scanned_at=one.clock.at,
        clock_ahead=one.clock.ahead,
        decision=one.given.decision,
        persons=one.persons,
        is_through=verdict.is_through,
        fault=one.fault,
        outcome=verdict.outcome,
        reason=_reason(one, verdict),
        override_reason=sealing.seal(why, OVERRIDE_REASON) if why is not None else None,
        overridden_by=at.actor.id if why is not None else None,
    )


async def _trace_overrides(session: AsyncSession, at: AtAttraction, new: Sequence[_Brought], known: _Known) -> None:
    for one in new:
        if one.given.override_reason is not None:
            await audit.record(
                session,
                at.actor,
                "gate:override",
                resident_id=known.residents.get(one.named.ticket_id) if one.named.ticket_id is not None else None,
                object_id=one.named.ticket_id or one.id,
                details={"gate_id": str(at.id), "reason": one.given.override_reason},
            )
