"""Imports: repeatable, exact about what is wrong, and careful with what people decided themselves."""

import io
from collections.abc import Sequence
from datetime import date

import httpx
import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from app.core.access import Actor, system_actor
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.api import accounts_answering_at, find_accounts_by_phone
from app.identity.importing import service
from app.identity.importing.problems import FileRefused
from app.identity.importing.schemas import ImportReport
from app.identity.models import Account, ContactPoint, Grant, Household, Resident
from tests.identity.conftest import Scene

HEADER = (
    "reference,name,birth_date,household_reference,address,mobile,email,contact_1_name,contact_1_phone,contact_1_scopes"
)
ADA = (
    "A-1,Ada Lovelace,1940-12-10,H-1,1 Lake Road,13811110001,ada@example.com,Anne,13811110002,alarms:read;profile:read"
)
ALAN = "A-2,Alan,1942/6/23,H-1,1 Lake Road,,,Anne,+8613811110002,profile:read"


def csv_file(*lines: str, header: str = HEADER) -> io.BytesIO:
    return io.BytesIO("\r\n".join([header, *lines]).encode())


def operator(scene: Scene) -> Actor:
    return Actor(kind="account", id=scene.staff.id, community_id=scene.community.id)


async def imported(scene: Scene, *lines: str, dry_run: bool = False, header: str = HEADER) -> ImportReport:
    return await service.run(csv_file(*lines, header=header), "csv", actor=operator(scene), dry_run=dry_run)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.failed


async def rows_of(
    table: type[Account | Resident | Household | ContactPoint | Grant],
) -> Sequence[sa.Row[tuple[object]]]:
    async with reading() as connection:
        return (await connection.execute(sa.select(table_of(table)))).all()


async def test_residents_households_contacts_and_consents_come_in(client: httpx.AsyncClient, scene: Scene) -> None:
    report = await imported(scene, ADA, ALAN)
    assert (counts(report), report.errors) == ((2, 0, 0, 0), [])
    listed = await client.get("/v1/residents", params={"query": "A-1"}, headers=scene.staff_headers)
    [ada] = listed.json()["items"]
    profile = (await client.get(f"/v1/residents/{ada['resident_id']}/profile", headers=scene.staff_headers)).json()
    assert (profile["name"], profile["birth_date"]) == ("Ada Lovelace", "1940-12-10")
    assert profile["household"]["address"] == "1 Lake Road"
    points = await client.get(f"/v1/residents/{ada['resident_id']}/contact-points", headers=scene.staff_headers)
    assert [item["value"] for item in points.json()["items"]] == ["+8613811110001", "ada@example.com"]
    grants = await client.get(f"/v1/residents/{ada['resident_id']}/grants", headers=scene.staff_headers)
    [grant] = grants.json()["items"]
    assert (grant["grantee"]["name"], grant["scopes"]) == ("Anne", ["alarms:read", "profile:read"])
    assert grant["granted_by"]["account_id"] == str(scene.staff.id)
    # One home, and one Anne, though two rows name them.
    assert len([row for row in await rows_of(Household) if row.reference == "H-1"]) == 1
    async with reading() as connection:
        assert len(await find_accounts_by_phone(connection, scene.community.id, "+8613811110002")) == 1
        assert await accounts_answering_at(connection, "+8613811110001")  # staff answer for what they import


async def test_repeating_changes_nothing_and_a_changed_row_only_itself(scene: Scene) -> None:
    await imported(scene, ADA, ALAN)
    before = {table: len(await rows_of(table)) for table in (Account, Resident, Household, ContactPoint, Grant)}
    assert counts(await imported(scene, ADA, ALAN)) == (0, 0, 2, 0)
    assert counts(await imported(scene, ADA, ALAN.replace("Alan", "Alan Turing"))) == (0, 1, 1, 0)
    assert {table: len(await rows_of(table)) for table in before} == before
    assert "Alan Turing" in {row.name for row in await rows_of(Account)}


async def test_what_people_decided_since_stays(client: httpx.AsyncClient, scene: Scene) -> None:
    await imported(scene, ADA)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(name="Ada Byron").where(Account.name == "Ada Lovelace"))  # type: ignore[arg-type]
        await session.execute(sa.update(Grant).values(revoked_at=scene.staff.created_at))
    assert counts(await imported(scene, ADA)) == (0, 0, 1, 0)
    assert "Ada Byron" in {row.name for row in await rows_of(Account)}
    # A new number in the row does not give the consent again that was taken back.
    assert counts(await imported(scene, ADA.replace("13811110001", "13811110009"))) == (0, 1, 0, 0)
    assert [row.revoked_at for row in await rows_of(Grant)] == [scene.staff.created_at]


async def test_a_dry_run_says_the_same_and_does_nothing(scene: Scene) -> None:
    broken = "A-3,,1940-12-10,,,,,,,"
    report = await imported(scene, ADA, ALAN, broken, dry_run=True)
    assert counts(report) == (2, 0, 0, 1)
    assert [row.reference for row in await rows_of(Resident)] == ["R-1"]
    assert counts(await imported(scene, ADA, ALAN, broken)) == counts(report)
    assert counts(await imported(scene, ADA, ALAN.replace("Alan", "A."), broken, dry_run=True)) == (0, 1, 1, 1)


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",Ada,,,,,,,,", "reference", "required"),
        ("A-1,,,,,,,,,", "name", "required"),
        ("A-1,Ada,1940-02-30,,,,,,,", "birth_date", "invalid_date"),
        ("A-1,Ada,31.12.1940,,,,,,,", "birth_date", "invalid_date"),
        ("A-1,Ada,2030-01-01,,,,,,,", "birth_date", "invalid_date"),
        ("A-1,Ada,,H-1,,,,,,", "address", "required"),
        ("A-1,Ada,,,,12,,,,", "mobile", "invalid_phone"),
        ("A-1,Ada,,,,=HYPERLINK(1),,,,", "mobile", "invalid_phone"),
        ("A-1,Ada,,,,,nowhere,,,", "email", "invalid_email"),
        ("A-1,Ada,,,,,,,13811110002,", "contact_1_name", "required"),
        ("A-1,Ada,,,,,,Anne,,profile:read", "contact_1_phone", "required"),
        ("A-1,Ada,,,,,,Anne,13811110002,grants:manage", "contact_1_scopes", "invalid_scope"),
        (f"{'x' * 101},Ada,,,,,,,,", "reference", "too_long"),
    ],
)
async def test_each_wrong_cell_is_named_and_the_other_rows_come_in(
    scene: Scene, row: str, column: str, code: str
) -> None:
    report = await imported(scene, ALAN, row)
    assert counts(report) == (1, 0, 0, 1)
    assert (report.errors[0].row, report.errors[0].column, report.errors[0].code) == (3, column, code)


async def test_all_that_is_wrong_in_a_row_is_told_at_once_in_the_operators_language(scene: Scene) -> None:
    report = await service.run(csv_file("A-1,,1940-13-01,,,12,,,,"), "csv", actor=operator(scene), language="zh-CN")
    assert [(error.column, error.detail) for error in report.errors] == [
        ("name", "缺少内容"),
        ("birth_date", "出生日期无效，例如：1940-05-31"),
        ("mobile", "电话号码无效：应为本国号码，或以“+”和国家代码开头"),
    ]
    assert report.failed == 1


async def test_a_reference_counts_once_per_file_and_not_after_the_end(scene: Scene) -> None:
    report = await imported(scene, ADA, ADA)
    assert [(error.row, error.code) for error in report.errors] == [(3, "duplicate_reference")]
    async with unit_of_work() as session:
        await session.execute(sa.update(Resident).values(state="deceased"))
    report = await imported(scene, ADA.replace("Ada", "Eve"))
    assert [(error.row, error.code) for error in report.errors] == [(2, "residence_ended")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("reference,name\nA-1,王芳".encode("gbk"), "not_utf8"),
        ("reference,name\nA-1,Ada".encode("utf-16"), "not_utf8"),
        (b"", "empty"),
        (b"reference,name,shoe_size\n", "unknown_column"),
        (b"reference,name,Name\n", "repeated_column"),
        (b"name\nAda", "missing_column"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(scene: Scene, content: bytes, code: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        await service.run(io.BytesIO(content), "csv", actor=operator(scene))
    assert refusal.value.errors[0].code == code


async def test_a_missing_quotation_mark_is_found_where_it_is(scene: Scene) -> None:
    report = await service.run(csv_file(ADA, 'A-2,"Alan'), "csv", actor=operator(scene))
    assert [(error.row, error.code) for error in report.errors] == [(3, "broken_row")]
    assert counts(report) == (1, 0, 0, 1)


async def test_files_as_people_save_them_are_read(scene: Scene) -> None:
    text = "编号;姓名;手机\r\nA-1;王 芳;138 1111 0001\r\n;;\r\nA-2;=1+1;\r\n"
    report = await service.run(
        io.BytesIO(b"\xef\xbb\xbf" + text.encode()), "csv", actor=system_actor(scene.community.id)
    )
    assert counts(report) == (2, 0, 0, 0), report.errors
    assert {"王 芳", "=1+1"} <= {row.name for row in await rows_of(Account)}


def spreadsheet(*rows: Sequence[object]) -> bytes:
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


async def test_a_spreadsheets_numbers_days_and_formulas_are_text(client: httpx.AsyncClient, scene: Scene) -> None:
    content = spreadsheet(
        ["Reference", "Name", "Birth date", "Mobile"],
        [101, "Ada", date(1940, 12, 10), 13811110001],
        [102, "=1+1", None, None],
    )
    answer = await client.post(
        "/v1/imports",
        content=content,
        headers=scene.staff_headers
        | {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == 2, answer.text
    assert {row.reference for row in await rows_of(Resident)} == {"R-1", "101", "102"}
    assert "=1+1" in {row.name for row in await rows_of(Account)}
    [ada] = [row for row in await rows_of(Resident) if row.reference == "101"]
    assert ada.birth_date == date(1940, 12, 10)


async def test_the_route_is_the_operators_and_says_what_it_takes(client: httpx.AsyncClient, scene: Scene) -> None:
    csv_type = {"Content-Type": "text/csv; charset=utf-8"}
    content = csv_file(ADA).getvalue()
    refused = await client.post("/v1/imports", content=content, headers=scene.daughter_headers | csv_type)
    assert refused.status_code == 403
    assert (await client.post("/v1/imports", content=content, headers=csv_type)).status_code == 401
    other = await client.post("/v1/imports", content=b"{}", headers=scene.staff_headers)
    assert other.status_code == 415
    wrong = await client.post(
        "/v1/imports",
        content=b"PK nonsense",
        headers=scene.staff_headers
        | {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "file_refused")
    dry = await client.post(
        "/v1/imports", params={"dry_run": "true"}, content=content, headers=scene.staff_headers | csv_type
    )
    assert dry.json() == {
        "dry_run": True,
        "rows": 1,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "failed": 0,
        "errors": [],
        "errors_omitted": 0,
    }


async def test_a_body_of_more_than_a_megabyte_is_taken_and_one_of_more_than_twenty_is_not(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    headers = scene.staff_headers | {"Content-Type": "text/csv"}
    notes = "x" * 3_999
    lines = "\n".join(f"N-{number},Name,{notes}" for number in range(300))
    answer = await client.post(
        "/v1/imports", params={"dry_run": "true"}, content=f"reference,name,emergency_notes\n{lines}", headers=headers
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == 300
    huge = await client.post("/v1/imports", content=b"x" * (20 * 1_048_576 + 1), headers=headers)
    assert huge.status_code == 413


async def test_many_rows_come_in_chunks_and_progress_is_told(scene: Scene) -> None:
    told: list[int] = []
    lines = [f"M-{number},Name {number},1940-01-01,H-{number // 2},Road {number // 2},,,,," for number in range(1_200)]
    report = await service.run(csv_file(*lines), "csv", actor=operator(scene), progress=told.append)
    assert counts(report) == (1_200, 0, 0, 0)
    assert told == [500, 1_000, 1_200]
    assert len([row for row in await rows_of(Household) if (row.reference or "").startswith("H-")]) == 600
