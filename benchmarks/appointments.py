"""Appointments over HTTP: booking and looking for a time, against a bare Starlette application on the same SQL.

A booking is two requests, hold and confirm, timed as one. Ours includes sign-in, rights, whether the time is one of the
practitioner's and what the clinic allows; the bare one has none of it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.engine import make_url

from app.core import embedded
from benchmarks import clinics, load, place, processes
from benchmarks.http import bearer, sessions
from benchmarks.report import Comparison, Series, show

ROUNDS: Final = 3
BOOKINGS: Final = {1: 100, 8: 500, 32: 500, 128: 500}
"""How many are booked over so many connections in a round, all of them of one practitioner."""
PRACTITIONERS: Final = 200
RESIDENTS: Final = 6_000
SECONDS: Final = 2.0

Exchanges = tuple[list[bytes], list[bytes]]


def our_booking(token: str, doctor: int, at: datetime) -> tuple[bytes, bytes]:
    """Return the requests by which somebody holds a slot of a practitioner, and confirms it."""
    body = {
        "visit_type_id": str(clinics.VISIT_TYPE),
        "practitioner_id": str(clinics.practitioner(doctor)),
        "starts_at": at.isoformat(),
    }
    hold = load.request("POST", "/v1/appointments", bearer(token), body)
    return hold, load.request("POST", "/v1/appointments/{id}/confirmation", bearer(token), {})


def our_bookings(tokens: Sequence[str], now: datetime, doctor: int) -> Exchanges:
    """Return the requests by which people book one slot after the other of a practitioner, and those that confirm."""
    pairs = [our_booking(token, doctor, clinics.nth_slot(number, now)) for number, token in enumerate(tokens)]
    return [hold for hold, _ in pairs], [confirmation for _, confirmation in pairs]


def _bare_bookings(now: datetime, doctor: int, people: Iterable[int]) -> Exchanges:
    holds, confirmations = [], []
    for place_in_line, number in enumerate(people):
        at = clinics.nth_slot(place_in_line, now)
        body = {"resident": number, "practitioner": doctor, "starts_at": at.isoformat()}
        holds.append(load.request("POST", "/bookings", body=body))
        confirmations.append(load.request("POST", "/bookings/{id}/confirmation", body={"resident": number}))
    return holds, confirmations


def _fire(port: int, exchanges: Exchanges, connections: int, *, once: bool) -> load.Outcome:
    holds, confirmations = exchanges
    outcome = asyncio.run(
        load.fire(port, holds, then=confirmations, connections=connections, seconds=60 if once else SECONDS, once=once)
    )
    if outcome.failed:
        raise AssertionError(f"{outcome.failed} requests failed: {outcome.statuses}")
    return outcome


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    template = "appointments_template"
    url = place.migrated(server, template)
    now = datetime.now(UTC)
    asyncio.run(
        place.execute(
            url,
            *clinics.PEOPLE,
            clinics.SIXTY_PERCENT_OF_SOME,
            "VACUUM ANALYZE",
            now=now,
            count=RESIDENTS,
            practitioners=PRACTITIONERS,
        )
    )
    issued = asyncio.run(sessions(url, RESIDENTS))
    ours_url, bare_url = (
        place.cloned(server, "appointments_ours", template),
        place.cloned(server, "appointments_bare", template),
    )
    dsn = make_url(bare_url).set(drivername="postgresql").render_as_string(hide_password=False)
    rows: list[Comparison] = []
    with (
        processes.api("app.main:create_app", processes.environment(ours_url), factory=True) as ours,
        processes.api("benchmarks.bare_clinic:app", processes.environment(bare_url, BARE_DSN=dsn)) as bare,
    ):
        earliest = clinics.nth_slot(0, now).strftime("%Y-%m-%dT%H:%M:%SZ")
        our_search = [load.request("GET", f"/v1/slots?earliest={earliest}", bearer(token)) for token in issued[:200]]
        bare_search = [load.request("GET", f"/slots?earliest={earliest}")]
        doctors, people = iter(range(1, PRACTITIONERS)), iter(range(1, RESIDENTS))
        for connections, count in BOOKINGS.items():
            ours_series = {name: Series("ours", name) for name in ("/s", "p50 ms", "p99 ms")}
            bare_series = {name: Series("bare", name) for name in ("/s", "p50 ms", "p99 ms")}
            found = {name: Series("ours", name) for name in ("/s", "p50 ms", "p99 ms")}
            bare_found = {name: Series("bare", name) for name in ("/s", "p50 ms", "p99 ms")}
            for number in range(-1 if connections == 1 else 0, rounds):
                doctor, whose = next(doctors), [next(people) for _ in range(count)]
                outcomes = (
                    (
                        ours_series,
                        _fire(
                            ours,
                            our_bookings([issued[number - 1] for number in whose], now, doctor),
                            connections,
                            once=True,
                        ),
                    ),
                    (bare_series, _fire(bare, _bare_bookings(now, doctor, whose), connections, once=True)),
                    (found, _fire(ours, (our_search, []), connections, once=False)),
                    (bare_found, _fire(bare, (bare_search, []), connections, once=False)),
                )
                if number < 0:
                    continue  # statements prepared, caches warm
                for series, outcome in outcomes:
                    for name, figure in zip(series, (outcome.per_second, outcome.p50, outcome.p99), strict=True):
                        series[name].add(figure)
            for what, mine, theirs in (("book", ours_series, bare_series), ("look for a time", found, bare_found)):
                rows.append(Comparison(f"{what}, {connections} connections", mine["/s"], theirs["/s"], 0.5))
                rows += [
                    Comparison(f"{what}, {connections} connections", mine[name], theirs[name], 4, at_most=True)
                    for name in ("p50 ms", "p99 ms")
                ]
    show(f"Appointments over HTTP, one process each, {rounds} rounds", rows)
    for name in ("appointments_ours", "appointments_bare", template):
        server.drop_database(name)
