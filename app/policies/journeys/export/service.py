"""Handing a person what is held about them; each time leaves an entry in the audit trail before anything is read.

It is written while it is read, table by table and file by file. Each row is as it was at one moment between
``exported_at`` and ``finished_at``. What breaks off on the way is no JSON, so that nobody takes it for whole.
"""

import base64
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson
from pydantic_core import to_json

from app.core import audit, clock, privacy
from app.core.access import Actor
from app.core.database import unit_of_work
from app.identity.api import require_fresh_sign_in, resident_of_account
from app.media.api import Found, HeldFile
from app.policies.journeys.export import rules, views
from app.policies.journeys.export.schemas import ExportedFile, ExportedTable
from app.policies.journeys.export.views import Exported

_VERSIONS: Final = "eldercare_regimen_version"


async def all_of_oneself(actor: Actor) -> AsyncIterator[bytes]:
    """Return the pieces of a ``PersonalExport`` about the actor.

    Raises ``FreshSignInNeeded`` and ``SecondFactorNeeded``; ``Unauthenticated`` on the way once they are signed out.
    """
    return _all_of(await _admitted(actor, "export:read"))


async def bundle_of_oneself(actor: Actor) -> AsyncIterator[bytes]:
    """Return the pieces of the actor's health record, a FHIR R4 Bundle; raises as ``all_of_oneself``."""
    return _in_a_list(_bundle_of(await _admitted(actor, "export:read_fhir")))


async def _admitted(actor: Actor, action: str) -> Exported:
    async with unit_of_work() as session:
        await require_fresh_sign_in(session, actor)
        resident_id = await resident_of_account(session, actor.id)
        await audit.record(session, actor, action, resident_id=resident_id)
    return Exported(actor, resident_id)


async def _all_of(exported: Exported) -> AsyncIterator[bytes]:
    yield b'{"exported_at":%s,"tables":{' % to_json(clock.now())
    told = False
    for personal in privacy.personal_tables():
        is_open = False
        async for rows in views.rows(exported, personal):
            if not is_open:
                yield b"," * told + orjson.dumps(personal.table.name) + b":" + _opened(personal)
            yield b"," * is_open + to_json(rows)[1:-1]
            told = is_open = True
        if is_open:
            yield b"]}"
    yield b'},"files":['
    told = False
    async for file, found in views.files(exported):
        yield b"," * told
        async for piece in _file(exported, file, found):
            yield piece
        told = True
    yield b'],"finished_at":%s}' % to_json(clock.now())


def _opened(personal: privacy.PersonalTable) -> bytes:
    """Return a table in JSON up to where its rows begin."""
    said = personal.privacy
    table = ExportedTable(
        purpose=said.purpose,
        basis=said.basis.label if said.basis else "",
        health_data=said.sensitive.label if said.sensitive else None,
        kept=said.retention.in_words(),
        recipients=[recipient.value for recipient in said.recipients],
        rows=[],
    )
    return table.model_dump_json().encode().removesuffix(b"]}")


async def _file(exported: Exported, file: HeldFile, found: Found) -> AsyncIterator[bytes]:
    said = ExportedFile(
        id=file.id,
        purpose=file.purpose,
        content_type=file.content_type,
        is_whole=file.is_whole,
        size=file.size,
        sha256=found.sha256.hex() or None,
        trouble=found.trouble,
        content=None,
    )
    written = said.model_dump_json().encode()
    if found.trouble == "unreadable":
        yield written
        return
    yield written.removesuffix(b"null}") + b'"'
    async for piece in _base64(exported, file, found):
        yield piece
    yield b'"}'


async def _base64(exported: Exported, file: HeldFile, found: Found) -> AsyncIterator[bytes]:
    async for part in views.parts(exported, file, found):
        yield base64.b64encode(part)


async def _in_a_list(entries: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a Bundle with its entries; one that is empty stands between two."""
    yield rules.bundle_head(clock.new_id(), clock.now())
    async for piece in entries:
        yield piece or b","
    yield b"]}"


async def _bundle_of(exported: Exported) -> AsyncIterator[bytes]:
    at = clock.now()
    found = await views.few(exported, rules.FEW)
    (account,) = found["identity_account"]
    points = sorted(found.get("identity_contact_point", []), key=lambda point: int(str(point["position"])))
    subject: rules.Resource | None = None
    if residents := found.get("identity_resident"):
        (resident,) = residents
        subject = rules.reference_to(resident)
        yield rules.entry(rules.patient(resident, account, points))
        agreed = await views.agreed(exported)
        for grant in found.get("identity_grant", []):
            if grant["kind"] != "break_glass" and grant["resident_id"] == resident["id"]:  # an alarm opens those
                yield b""
                yield rules.entry(rules.consent(grant, agreed.get(uuid.UUID(str(grant["id"]))), subject, at))
        async for resource in _treatment(exported, found, subject):
            yield b""
            yield rules.entry(resource)
    else:
        yield rules.entry(rules.person(account, points))
    async for file, seen in views.files(exported):
        if file.is_whole:
            async for piece in _document(exported, file, seen, subject):
                yield piece


async def _treatment(
    exported: Exported, found: Mapping[str, list[privacy.Row]], subject: rules.Resource
) -> AsyncIterator[rules.Resource]:
    tables = {str(personal.table.name): personal for personal in privacy.personal_tables()}
    async for readings in views.rows(exported, tables["eldercare_vital_reading"]):
        for reading in readings:
            yield rules.observation(reading, subject)
    regimens, versions = found.get("eldercare_regimen", []), _by_id(found)
    versions = await _with_new(exported, versions, regimens)
    for regimen in regimens:
        yield rules.statement(regimen, versions[regimen["version_id"]], subject)
    async for doses in views.rows(exported, tables["eldercare_dose"]):
        settled = [dose for dose in doses if rules.is_settled(dose)]
        versions = await _with_new(exported, versions, settled)
        for dose in settled:
            yield rules.administration(dose, versions[dose["version_id"]], subject)


async def _with_new(exported: Exported, versions: dict[object, Any], rows: list[privacy.Row]) -> dict[object, Any]:
    """Return the versions of regimens, read again if rows refer to one that has come since they were read."""
    if all(row["version_id"] in versions for row in rows):
        return versions
    return _by_id(await views.few(exported, (_VERSIONS,)))


def _by_id(found: Mapping[str, list[privacy.Row]]) -> dict[object, Any]:
    return {version["id"]: version for version in found.get(_VERSIONS, [])}


async def _document(
    exported: Exported, file: HeldFile, found: Found, subject: rules.Resource | None
) -> AsyncIterator[bytes]:
    """Yield a file as a Binary, and what it is as a DocumentReference; without the first if it cannot be read."""
    yield b""
    if found.trouble != "unreadable":
        yield rules.binary_head(file)
        async for piece in _base64(exported, file, found):
            yield piece
        yield b'"}}'
        yield b""
    yield rules.entry(rules.document(file, found, subject))
