"""What the guide for clinics says of resources, scopes and limits is what the service does."""

import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.core.paging import MAX_LIMIT
from app.fhir import includes, values
from app.fhir.served import BY_TYPE
from telemedicine.appointments.rules import HOLD
from telemedicine.linking.rules import CODE_LASTS, MOST_WRONG
from tests.factories import fhir, sign_in
from tests.factories.fhir import Scene
from tests.fhir.records import inside
from tests.fhir.valid import resources, valid
from tests.media.samples import PDF

GUIDE: Final = (Path(__file__).parents[2] / "docs/clinics.md").read_text()
ROOT: Final = "/fhir/R4"


def table(title: str) -> list[list[str]]:
    """Return the cells of the table whose first column has a title."""
    (text,) = re.findall(rf"^\| {title} \|.*\n\|[-|]+\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


SCOPES: Final = {kind: scopes for kind, _, scopes in table("Resource")}


async def test_the_guide_lists_what_the_statement_lists(client: httpx.AsyncClient) -> None:
    statement = valid(await client.get(f"{ROOT}/metadata"))
    served = [
        [one["type"], ", ".join(interaction["code"] for interaction in one["interaction"])]
        for one in statement["rest"][0]["resource"]
    ]
    assert [row[:2] for row in table("Resource")] == served


@pytest.mark.usefixtures("directory")
async def test_a_key_reads_with_the_scope_that_the_guide_names_and_not_without(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    await fhir.book(client, scene)
    await fhir.happened(scene)

    letter = inside(PDF) | {"subject": {"reference": f"Patient/{scene.resident.id}"}}
    made = await client.post(f"{ROOT}/DocumentReference", json=letter, headers=await sign_in.sign_in(scene.person))
    (held,) = valid(made, 201)["content"]

    async def found(kind: str, scope: str) -> bool:
        headers = await sign_in.client_headers(scene.organization, (scope,))
        asked: dict[str, Any] = {"patient": str(scene.resident.id)} if BY_TYPE[kind].compartment else {}
        if kind == "Binary":
            asked = {"_id": held["attachment"]["url"].rpartition("/")[2]}
        answer = await client.get(f"{ROOT}/{kind}", params=asked, headers=headers)
        return answer.is_success and bool(resources(answer.json()))

    wrong = {
        kind: said
        for kind, said in SCOPES.items()
        if await found(kind, "contacts:read") != (said == "any")
        or not all([await found(kind, one) for one in re.findall(r"`([a-z_]+:read|appointments:manage)`", said)])
    }
    assert wrong == {}


@pytest.mark.parametrize(("what", "limit"), table("Limit"))
def test_the_limits_are_those_the_guide_names(what: str, limit: str) -> None:

    assert (
        int(limit)
        == {
            "resources on a page": MAX_LIMIT,
            "values of one search parameter": values._LONGEST,
            "steps of `_include:iterate`": includes.ROUNDS,
            "minutes a hold is kept": HOLD.total_seconds() / 60,
            "minutes a link code is good": CODE_LASTS.total_seconds() / 60,
            "wrong link codes of a clinic in an hour": MOST_WRONG,
        }[what]
    )
