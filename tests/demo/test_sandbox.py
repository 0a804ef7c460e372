"""The sandbox clinic of the demo: set up once, keeps its key, and a reset takes away nothing of anybody else's."""

from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database
from app.demo import behaviour, clinic, community, sandbox, seeding
from app.demo.client import Phones, Refused
from app.demo.community import Village
from app.demo.people import neighbours
from app.demo.sandbox import Sandbox

SYSTEM = "https://sandbox.example/patients"


async def booked(phones: Phones, village: Village, path: str) -> dict[str, Any]:
    """Have the visitors' resident confirm the first time a clinic offers; return the appointment."""
    guide = village.guide.actor
    types = (await phones.ask(guide, "GET", f"{path}/visit-types?limit=100"))["items"]
    earliest = (clocks.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = [f"/v1/slots?visit_type={one['id']}&earliest={earliest}&limit=1" for one in types]
    slot, *_ = [slot for query in asked for slot in (await phones.ask(guide, "GET", query))["items"]]
    wanted = {
        "visit_type_id": slot["visit_type"]["id"],
        "practitioner_id": slot["practitioner"]["id"],
        "starts_at": slot["starts_at"],
    }
    held = await phones.ask(guide, "POST", "/v1/appointments", wanted)
    found: dict[str, Any] = await phones.ask(guide, "POST", f"/v1/appointments/{held['id']}/confirmation", {})
    return found


async def link(phones: Phones, village: Village, of: Sandbox) -> str:
    """Link the visitors' resident to the sandbox; return the id of the link."""
    code = (await phones.ask(village.guide.actor, "POST", "/v1/me/link-codes"))["code"]
    said = {"system": SYSTEM, "value": "P-1", "code": code}
    return str((await phones.ask(of.keeper, "POST", f"{of.path}/patient-links", said))["id"])


async def test_the_sandbox_is_set_up_once_and_reset_alone(app: FastAPI, database: Database, clock: ManualClock) -> None:
    with seeding.phones(app) as phones:
        village = await community.found(phones, neighbours(behaviour.SEED, 1)[0], lambda _: None)
        await clinic.arrange_clinic(phones, village)
        of = await sandbox.arrange(phones, village)
        first = sandbox.file().read_text()
        assert (sandbox.file().stat().st_mode & 0o777) == 0o600
        assert await sandbox.arrange(phones, village) == of
        assert sandbox.file().read_text() == first
        key = dict(line.split("=", 1) for line in first.splitlines())["key"]
        await sandbox.set_diary(phones, of, own=True)
        theirs = await booked(phones, village, clinic.path_of(village))
        asked = await booked(phones, village, of.path)
        assert (theirs["status"], asked["status"]) == ("booked", "pending")
        linked = await link(phones, village, of)
        seen = await phones.ask(None, "GET", f"/fhir/R4/Patient?identifier={SYSTEM}|P-1", token=key)
        assert [one["resource"]["id"] for one in seen["entry"]] == [str(village.guide.id)]
        # The practice of the demo is still the one its people go to.
        again = await community.found(phones, neighbours(behaviour.SEED, 1)[0], lambda _: None)
        assert clinic.path_of(again) == clinic.path_of(village) != of.path
        await sandbox.reset(phones, of)
        guide = village.guide.actor
        stand = {row["id"]: row["status"] for row in (await phones.ask(guide, "GET", "/v1/me/appointments"))["items"]}
        assert stand == {theirs["id"]: "booked", asked["id"]: "cancelled"}
        (ended,) = (await phones.ask(guide, "GET", "/v1/me/patient-links"))["items"]
        assert (ended["id"], ended["ended_side"]) == (linked, "clinic")
        assert not (await phones.ask(guide, "GET", of.path))["owns_diary"]


async def test_a_key_that_is_lost_or_cut_off_is_replaced(app: FastAPI, database: Database, clock: ManualClock) -> None:
    with seeding.phones(app) as phones:
        village = await community.found(phones, neighbours(behaviour.SEED, 1)[0], lambda _: None)
        await sandbox.arrange(phones, village)
        first = sandbox.file().read_text()
        sandbox.file().unlink()
        await sandbox.arrange(phones, village)
        second = sandbox.file().read_text()
        keys = [dict(line.split("=", 1) for line in text.splitlines())["key"] for text in (first, second)]
        assert keys[0] != keys[1]
        refused = False
        try:
            await phones.ask(None, "GET", "/fhir/R4/Slot?_count=1", token=keys[0])
        except Refused as problem:
            refused = problem.status == 401
        assert refused
        assert await phones.ask(None, "GET", "/fhir/R4/Slot?_count=1", token=keys[1])
