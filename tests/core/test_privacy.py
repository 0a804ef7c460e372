"""Privacy: what a person gets to see of themselves, and what is left when they are erased."""

import uuid

import orjson
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, col

from app import assembly
from app.core import audit, audit_chain, privacy
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.identity.models import Account, Resident
from tests.factories import identity

assembly.load_tables()


def names() -> list[str]:
    return sorted(SQLModel.metadata.tables)


@pytest.mark.parametrize("name", names())
def test_every_table_declares_whose_data_it_holds(name: str) -> None:
    declared = {table.name: declaration for table, declaration in privacy.declarations().items()}[name]
    assert declared.purpose
    assert not (declared.erasure == "redact" and not declared.redacted), "redacts nothing"
    table = SQLModel.metadata.tables[name]
    for column in declared.redacted:
        privacy._emptied(table.c[column])


@pytest.mark.parametrize("name", [name for name in names() if name != "reservations_pool"])  # whose subject is a thing
def test_a_table_that_names_a_person_says_so(name: str) -> None:
    table = SQLModel.metadata.tables[name]
    if {"account_id", "resident_id", "subject_id"} & set(table.columns.keys()):
        assert name in {personal.table.name for personal in privacy.personal_tables()}


async def _export(*subjects: uuid.UUID) -> dict[str, list[privacy.Row]]:
    async with reading() as connection:
        return await privacy.export_subject(connection, subjects)


async def test_a_person_gets_what_is_about_them_opened_and_nobody_elses(database: Database) -> None:
    place = await identity.community()
    one = await identity.resident(place, name="Grace", phone="+8613800000001", emergency_notes="insulin in the fridge")
    await identity.resident(place, name="Ada", phone="+8613800000002", emergency_notes="deaf")
    found = await _export(one.account_id, one.id)
    assert [row["name"] for row in found["identity_account"]] == ["Grace"]
    assert [row["emergency_notes"] for row in found["identity_resident"]] == ["insulin in the fridge"]
    assert [row["value"] for row in found["identity_contact_point"]] == ["+8613800000001"]
    assert "value_index" not in found["identity_contact_point"][0]
    text = orjson.dumps(found, default=str).decode()
    assert "Ada" not in text
    assert "v1." not in text


async def test_keys_are_never_handed_out(database: Database) -> None:
    place = await identity.community()
    person = await identity.resident(place)
    async with unit_of_work() as session:
        actor = system_actor(place.id)
        await audit.record(session, actor, "plan:change", resident_id=person.id, details={"to": "09:00"})
    found = await _export(person.account_id, person.id)
    assert set(found["core_person_key"][0]) == {"subject_id"}
    assert [row["action"] for row in found["core_audit_entry"]] == ["plan:change"]
    assert "details" not in found["core_audit_entry"][0]


async def test_erasure_deletes_redacts_and_keeps_as_declared(database: Database, clock: ManualClock) -> None:
    place = await identity.community()
    one = await identity.resident(place, name="Grace", phone="+8613800000001", emergency_notes="insulin")
    other = await identity.resident(place, name="Ada", phone="+8613800000002")
    async with unit_of_work() as session:
        actor = system_actor(place.id)
        await audit.record(session, actor, "plan:change", resident_id=one.id, details={"to": "09:00"})
    await audit_chain.seal_entries()
    async with unit_of_work() as session:
        loaded = await session.get_one(Account, one.account_id)
        changed = await privacy.erase_subject(session, [one.account_id, one.id])
        await session.refresh(loaded)
        assert (loaded.name, loaded.version, loaded.updated_at) == ("", 2, clock.now())
    assert changed["identity_contact_point"] == changed["identity_resident"] == changed["core_person_key"] == 1
    found = await _export(one.account_id, one.id)
    assert "identity_contact_point" not in found
    assert "core_person_key" not in found
    assert len(found["core_audit_entry"]) == 1
    async with reading() as connection:
        row = (await connection.execute(sa.select(Resident).where(col(Resident.id) == one.id))).one()
        assert (row.birth_date, row.emergency_notes, row.accessibility_needs) == (None, None, [])
        assert (await audit_chain.verify(connection)).holds
    kept = await _export(other.account_id, other.id)
    assert [row["name"] for row in kept["identity_account"]] == ["Ada"]
    assert len(kept["identity_contact_point"]) == 1


async def test_an_erasure_that_is_rolled_back_erases_nothing(database: Database) -> None:
    place = await identity.community()
    person = await identity.resident(place, name="Grace", phone="+8613800000001")

    async def fail() -> None:
        async with unit_of_work() as session:
            await privacy.erase_subject(session, [person.account_id, person.id])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert [row["name"] for row in (await _export(person.account_id))["identity_account"]] == ["Grace"]
