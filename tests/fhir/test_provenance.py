"""Provenance: each version of a record has one, that says who wrote it, for whom, and when."""

from datetime import timedelta

from app.core.clock import ManualClock
from tests.factories import identity, sign_in
from tests.fhir.records import ALLERGY, CARE_PLAN, CONDITION, Ward
from tests.fhir.valid import Json, refused, resources, valid


async def found(ward: Ward, who: dict[str, str] | None = None, **query: object) -> list[str]:
    """Return the targets of what a search finds, by their version."""
    bundle = valid(await ward.get("Provenance", who, **query))
    return [one["target"][0]["reference"] for one in resources(bundle)]


def roles(of: Json) -> dict[str, Json]:
    """Return who an agent was by its role."""
    return {agent["type"]["coding"][0]["code"]: agent["who"] for agent in of["agent"]}


async def test_each_version_says_who_wrote_it(ward: Ward, clock: ManualClock) -> None:
    whose, clinic = str(ward.scene.resident.id), f"Organization/{ward.scene.organization.id}"
    said = await ward.made(ALLERGY, ward.resident)
    clock.advance(timedelta(minutes=10))
    judged = valid(await ward.put(said | {"criticality": "low"}, ward.doctor))
    planned = await ward.made(CARE_PLAN)
    first, second = f"AllergyIntolerance/{said['id']}/_history/1", f"AllergyIntolerance/{said['id']}/_history/2"
    third = f"CarePlan/{planned['id']}/_history/1"

    brought, corrected, entered = resources(valid(await ward.get("Provenance", patient=whose)))
    assert [one["target"][0]["reference"] for one in (brought, corrected, entered)] == [third, second, first]
    assert roles(entered) == {"author": {"reference": f"Patient/{whose}", "display": "Grace"}}
    assert (entered["recorded"], entered["activity"]["coding"][0]["code"]) == (said["meta"]["lastUpdated"], "CREATE")
    assert "entity" not in entered
    assert roles(corrected) == {
        "author": {"reference": f"Practitioner/{ward.doctor_id}", "display": "Edith"},
        "custodian": {"reference": clinic},
    }
    assert corrected["recorded"] == judged["meta"]["lastUpdated"]
    assert corrected["activity"]["coding"][0]["code"] == "UPDATE"
    assert corrected["entity"] == [{"role": "revision", "what": {"reference": first}}]
    assert corrected["agent"][0]["onBehalfOf"] == {"reference": clinic}
    assert roles(brought)["assembler"]["identifier"]["system"] == "urn:hearthline:client"
    assert valid(await ward.get(f"Provenance/{corrected['id']}")) == corrected
    assert refused(await ward.get(f"Provenance/{said['id']}"), 404)

    for query, expected in (
        ({"target": f"AllergyIntolerance/{said['id']}"}, [second, first]),
        ({"target": f"Condition/{said['id']}"}, []),
        ({"target": "https://elsewhere.example/fhir/Condition/1"}, []),
        ({"patient": whose, "target": f"CarePlan/{planned['id']}"}, [third]),
        ({"patient": whose, "agent": f"Practitioner/{ward.doctor_id}"}, [second]),
        ({"patient": whose, "agent": clinic}, [third, second]),
        ({"agent": f"Patient/{whose}"}, [first]),
        ({"patient": whose, "recorded": f"lt{judged['meta']['lastUpdated']}"}, [first]),
        ({"patient": whose, "recorded": f"ge{judged['meta']['lastUpdated']}"}, [third, second]),
        ({"patient": whose, "_lastUpdated": "lt2026-03-01"}, []),
        ({"patient": whose, "_sort": "recorded"}, [first, second, third]),
        ({"patient": whose, "_sort": "-recorded", "_count": 1}, [third]),
        ({"_id": f"{corrected['id']},{entered['id']}"}, [second, first]),
    ):
        assert await found(ward, **query) == expected, query
    assert refused(await ward.get("Provenance"), 400)
    assert await found(ward, ward.resident) == [third, second, first]


async def test_it_comes_along_with_what_it_is_about(ward: Ward) -> None:
    made = await ward.made(CONDITION, ward.doctor)
    bundle = valid(await ward.get("Condition", patient=ward.scene.resident.id, _revinclude="Provenance:target"))
    (provenance,) = resources(bundle, "include")
    assert provenance["target"] == [{"reference": f"Condition/{made['id']}/_history/1"}]
    back = valid(await ward.get("Provenance", _id=provenance["id"], _include=["Provenance:target", "Provenance:agent"]))
    beside = {f"{one['resourceType']}/{one['id']}" for one in resources(back, "include")}
    assert beside == {
        f"Condition/{made['id']}",
        f"Practitioner/{ward.doctor_id}",
        f"Organization/{ward.scene.organization.id}",
    }


async def test_a_relative_and_a_withdrawal_are_named_as_such(ward: Ward) -> None:
    relative = await identity.account(ward.scene.place, name="Daughter")
    await identity.grant(ward.scene.resident, relative, ["records:read", "records:write"])
    headers = await sign_in.sign_in(relative)
    made = await ward.made(ALLERGY, headers)
    path = f"/v1/residents/{ward.scene.resident.id}/health-records/{made['id']}/entered-in-error"
    answer = await ward.client.post(path, json={"reason": "It was a rash"}, headers=ward.doctor)
    assert answer.status_code == 200, answer.text
    withdrawn, entered = resources(valid(await ward.get("Provenance", headers, patient=ward.scene.resident.id)))
    assert roles(entered) == {"author": {"type": "RelatedPerson", "display": "Daughter"}}
    assert withdrawn["reason"] == [{"text": "It was a rash"}]
