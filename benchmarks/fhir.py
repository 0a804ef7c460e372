"""FHIR over HTTP: searching and creating appointments against the bare clinic, and a hundred readings at once.

Ours includes sign-in, rights, FHIR's resources and their checks; the bare one has none of it and answers with rows.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy.engine import make_url

from app.core import embedded
from app.fhir.keys import ScheduleKey, SlotKey, slot_id
from benchmarks import clinics, load, place, population, processes
from benchmarks.http import bearer, sessions
from benchmarks.report import Comparison, Series, show

ROUNDS: Final = 3
CONNECTIONS: Final = 8
SECONDS: Final = 2.0
RESIDENTS: Final = 1_500
READERS: Final = 200
PRACTITIONERS: Final = 100
EACH: Final = 375
"""So many appointments of each practitioner are over: twenty-five of each patient."""
BOOKINGS: Final = 300
READINGS: Final = 100
BUNDLES: Final = 10
ROOT: Final = "/fhir/R4"


def _booking(token: str, number: int, doctor: int, at: datetime) -> bytes:
    slot = slot_id(SlotKey(ScheduleKey(clinics.practitioner(doctor), clinics.VISIT_TYPE), at))
    patient = {"reference": f"Patient/{population.identifier(2, number)}"}
    body = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot}"}],
        "participant": [{"actor": patient, "status": "accepted"}],
    }
    return load.request("POST", f"{ROOT}/Appointment", bearer(token), body)


def _observation(number: int, at: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{population.identifier(2, number)}"},
        "effectiveDateTime": at.isoformat(),
        "valueQuantity": {"value": 71, "system": "http://unitsofmeasure.org", "code": "/min"},
    }


def _bundle(number: int, since: datetime, kind: str) -> dict[str, Any]:
    request = {"method": "POST", "url": "Observation"}
    entry = [
        {"resource": _observation(number, since + timedelta(seconds=second)), "request": request}
        for second in range(READINGS)
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entry}


def _fire(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS, *, once: bool) -> load.Outcome:
    fired = load.fire(port, requests, connections=connections, seconds=60 if once else SECONDS, once=once)
    outcome = asyncio.run(fired)
    if outcome.failed:
        raise AssertionError(f"{outcome.failed} requests failed: {outcome.statuses}")
    return outcome


def _prepared(server: embedded.EmbeddedServer, name: str, now: datetime, **counts: int) -> str:
    url = place.migrated(server, name)
    asyncio.run(place.execute(url, *clinics.PEOPLE, clinics.PAST[1], "VACUUM ANALYZE", now=now, **counts))
    return url


def _searches(tokens: Sequence[str]) -> list[bytes]:
    return [load.request("GET", f"{ROOT}/Appointment?_count=20", bearer(token)) for token in tokens[:READERS]]


def _appointments(server: embedded.EmbeddedServer, tokens: Sequence[str], now: datetime, rounds: int) -> None:
    ours_url, bare_url = place.cloned(server, "fhir_ours", "fhir"), place.cloned(server, "fhir_bare", "fhir")
    dsn = make_url(bare_url).set(drivername="postgresql").render_as_string(hide_password=False)
    series = {name: Series(name.split()[0], "/s") for name in ("ours search", "bare search", "ours book", "bare book")}
    bundles = {name: Series(name, "readings/s") for name in ("transaction", "batch", "single")}
    with (
        processes.api("app.main:create_app", processes.environment(ours_url), factory=True) as ours,
        processes.api("benchmarks.bare_clinic:app", processes.environment(bare_url, BARE_DSN=dsn)) as bare,
    ):
        bare_searches = [load.request("GET", f"/appointments?resident={number + 1}") for number in range(READERS)]
        people = iter(range(1, RESIDENTS + 1))
        for number in range(-1, rounds):
            doctor, whose = number + 2, list(islice(people, BOOKINGS))
            starts = [clinics.nth_slot(place_in_line, now) for place_in_line in range(BOOKINGS)]
            pairs = list(zip(whose, starts, strict=True))
            our_bookings = [_booking(tokens[one - 1], one, doctor, at) for one, at in pairs]
            bare_bookings = [
                load.request(
                    "POST", "/booked", body={"resident": one, "practitioner": doctor, "starts_at": at.isoformat()}
                )
                for one, at in pairs
            ]
            measured = {
                "ours search": _fire(ours, _searches(tokens), once=False),
                "bare search": _fire(bare, bare_searches, once=False),
                "ours book": _fire(ours, our_bookings, once=True),
                "bare book": _fire(bare, bare_bookings, once=True),
            }
            taken = _readings(ours, tokens, now - timedelta(hours=number + 2))
            if number < 0:
                continue  # statements prepared, caches warm
            for name, outcome in measured.items():
                series[name].add(outcome.per_second)
            for name, figure in taken.items():
                bundles[name].add(figure)
    show(
        f"FHIR over HTTP: {CONNECTIONS} connections, one process each, {rounds} rounds",
        [
            Comparison("search 20 appointments", series["ours search"], series["bare search"], 0.4),
            Comparison("create an appointment", series["ours book"], series["bare book"], 0.4),
            Comparison(f"{READINGS} readings in a transaction", bundles["transaction"], bundles["single"], 3),
            Comparison(f"{READINGS} readings in a batch", bundles["batch"], bundles["single"], 3),
        ],
    )


def _readings(port: int, tokens: Sequence[str], since: datetime) -> dict[str, float]:
    """Return how many readings a second are kept, by how they are sent; each patient sends from its own app."""
    found: dict[str, float] = {}
    for place_in_line, kind in enumerate(("transaction", "batch")):
        people = range(1 + place_in_line * BUNDLES, 1 + (place_in_line + 1) * BUNDLES)
        requests = [load.request("POST", ROOT, bearer(tokens[one - 1]), _bundle(one, since, kind)) for one in people]
        found[kind] = _fire(port, requests, once=True).per_second * READINGS
    alone = [
        load.request(
            "POST", f"{ROOT}/Observation", bearer(tokens[one]), _observation(one + 1, since + timedelta(seconds=second))
        )
        for one in range(2 * BUNDLES, 3 * BUNDLES)
        for second in range(READINGS)
    ]
    found["single"] = _fire(port, alone, once=True).per_second
    return found


def _history(server: embedded.EmbeddedServer, now: datetime, rounds: int) -> None:
    found = {name: Series(name, "ms") for name in ("long", "short")}
    each = {"long": 10 * EACH, "short": EACH}
    urls = {
        name: _prepared(server, f"fhir_{name}", now, count=READERS, practitioners=PRACTITIONERS // 8, each=many)
        for name, many in each.items()
    }
    with (
        processes.api("app.main:create_app", processes.environment(urls["long"]), factory=True) as long,
        processes.api("app.main:create_app", processes.environment(urls["short"]), factory=True) as short,
    ):
        searches = {name: _searches(asyncio.run(sessions(url, READERS))) for name, url in urls.items()}
        for number in range(-1, rounds):
            for name, port in (("long", long), ("short", short)):
                outcome = _fire(port, searches[name], 1, once=False)
                if number >= 0:
                    found[name].add(outcome.p50)
    what = "search 20 appointments, ten times the history"
    show("FHIR: what lies behind", [Comparison(what, found["long"], found["short"], 1.5, at_most=True)])
    for name in urls:
        server.drop_database(f"fhir_{name}")


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    now = datetime.now(UTC)
    url = _prepared(server, "fhir", now, count=RESIDENTS, practitioners=PRACTITIONERS, each=EACH)
    _appointments(server, asyncio.run(sessions(url, RESIDENTS)), now, rounds)
    for name in ("fhir_ours", "fhir_bare", "fhir"):
        server.drop_database(name)
    _history(server, now, rounds)
