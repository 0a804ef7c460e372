"""Health records over FHIR: entered, corrected, withdrawn, found; with what they say, who says it, and each version."""

from typing import Any

import pytest

from tests.fhir.records import ALLERGY, BY_RESIDENTS, CONDITION, EVERY, HL7, ICD, IMMUNIZATION, SNOMED, Ward, code
from tests.fhir.valid import Json, refused, resources, valid

SOURCE = "urn:hearthline:record-source"
IN_ERROR = {
    "Condition": ("verificationStatus", f"{HL7}/condition-ver-status"),
    "AllergyIntolerance": ("verificationStatus", f"{HL7}/allergyintolerance-verification"),
}


def contains(whole: Any, part: Any) -> bool:
    """Say whether all that is in ``part`` is in ``whole``."""
    match part:
        case dict():
            return all(name in whole and contains(whole[name], value) for name, value in part.items())
        case list():
            return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document["resourceType"])
async def test_what_is_said_is_kept_whole_and_each_version_of_it(ward: Ward, document: Json) -> None:
    kind = document["resourceType"]
    made = await ward.made(document)
    assert contains(made, ward.said(document))
    assert (made["meta"]["versionId"], made["meta"]["tag"][0]["code"]) == ("1", "import")
    assert valid(await ward.get(f"{kind}/{made['id']}")) == made
    assert (await ward.found(kind))[0] == made["id"]

    changed: Json = made | (
        {"note": [{"text": "Other words"}]} if "note" in made else {"period": {"start": "2026-02-01"}}
    )
    if kind == "Encounter":
        changed["period"] = {"start": "2026-03-01T07:05:00Z", "end": "2026-03-01T07:20:00Z"}
    stale = await ward.put(changed, **{"If-Match": 'W/"2"'})
    assert refused(stale, 412)
    corrected = valid(await ward.put(changed, **{"If-Match": 'W/"1"'}))
    assert contains(corrected, {name: value for name, value in changed.items() if name != "meta"})
    assert corrected["meta"]["versionId"] == "2"

    element, system = IN_ERROR.get(kind, ("status", None))
    wrong = corrected | {element: code(system, "entered-in-error") if system else "entered-in-error"}
    wrong.pop("clinicalStatus", None)
    withdrawn = valid(await ward.put(wrong, **{"If-Match": 'W/"2"'}))
    assert contains(withdrawn[element], wrong[element])
    assert "clinicalStatus" not in withdrawn
    assert refused(await ward.put(changed), 409)

    history = valid(await ward.get(f"{kind}/{made['id']}/_history"))
    assert [entry["resource"] for entry in history["entry"]] == [withdrawn, corrected, made]
    for version in (made, corrected, withdrawn):
        number = version["meta"]["versionId"]
        assert valid(await ward.get(f"{kind}/{made['id']}/_history/{number}")) == version
    assert refused(await ward.get(f"{kind}/{made['id']}/_history/4"), 404)


async def test_who_says_it_is_seen_and_whether_anybody_vouches_for_it(ward: Ward) -> None:
    for document in BY_RESIDENTS:
        unproven = {}
        if document is CONDITION:
            unproven["verificationStatus"] = code(f"{HL7}/condition-ver-status", "unconfirmed")
        made = await ward.made(document, ward.resident, **unproven)
        assert made["meta"]["tag"][0] | {"display": ""} == {"system": SOURCE, "code": "resident", "display": ""}
        if "recorder" in made:
            assert made["recorder"]["reference"] == f"Patient/{ward.scene.resident.id}"
    (recalled,) = resources(valid(await ward.get("Immunization", patient=ward.scene.resident.id)))
    assert recalled["primarySource"] is False
    judged = await ward.made(CONDITION, ward.doctor)
    assert judged["asserter"] == {"reference": f"Practitioner/{ward.doctor_id}", "display": "Edith"}
    assert judged["meta"]["tag"][0]["code"] == "clinic"
    brought = await ward.made(CONDITION)
    assert "asserter" not in brought
    refusal = await ward.post(ward.said(CONDITION), ward.resident)
    assert refused(refusal, 422)[0]["expression"] == ["Condition.verificationStatus"]


async def test_searches_find_by_what_is_said(ward: Ward) -> None:
    first = await ward.made(CONDITION)
    second = await ward.made(
        CONDITION,
        ward.doctor,
        code=code(ICD["system"], "E11"),
        category=[code(f"{HL7}/condition-category", "encounter-diagnosis")],
        clinicalStatus=code(f"{HL7}/condition-clinical", "resolved"),
        onsetDateTime="2024-02-03",
    )
    one, two = first["id"], second["id"]
    for query, expected in (
        ({}, [two, one]),
        ({"code": f"{ICD['system']}|I10"}, [one]),
        ({"code": f"{SNOMED['system']}|{SNOMED['code']}"}, [one]),
        ({"code": f"{ICD['system']}|I10,{ICD['system']}|E11"}, [two, one]),
        ({"code": f"{ICD['system']}|i10"}, []),
        ({"category": "problem-list-item"}, [one]),
        ({"category": "encounter-diagnosis,problem-list-item"}, [two, one]),
        ({"clinical-status": "resolved"}, [two]),
        ({"clinical-status": f"{HL7}/condition-clinical|active"}, [one]),
        ({"clinical-status": "urn:other|active"}, []),
        ({"onset-date": "2024-02-03"}, [two]),
        ({"onset-date": "lt2024-02-03"}, [one]),
        ({"onset-date": "2019"}, [one]),
        ({"recorded-date": "ge2026-03-01"}, [two, one]),
        ({"recorded-date": "lt2026-03-01"}, []),
        ({"_lastUpdated": "gt2026-03-01"}, [two, one]),
        ({"_lastUpdated": "lt2026-03-01"}, []),
        ({"asserter": f"Practitioner/{ward.doctor_id}"}, [two]),
        ({"_id": one}, [one]),
        ({"_id": f"{one},{two}"}, [two, one]),
        ({"_sort": "recorded-date"}, [one, two]),
        ({"_sort": "-recorded-date"}, [two, one]),
    ):
        assert await ward.found("Condition", **query) == expected, query
    for query in ({"code": "I10"}, {"code": "|I10"}, {"code": f"{ICD['system']}|"}):
        refused(await ward.get("Condition", patient=ward.scene.resident.id, **query), 400)
    assert refused(await ward.get("Condition"), 400)
    of_id = valid(await ward.get("Condition", _id=f"{one},{two}"))
    assert [found["id"] for found in resources(of_id)] == [two, one]
    mine = valid(await ward.get("Condition", ward.resident))
    assert [found["id"] for found in resources(mine)] == [two, one]


async def test_immunizations_come_in_the_order_they_were_given(ward: Ward) -> None:
    late = await ward.made(IMMUNIZATION)
    early = await ward.made(IMMUNIZATION, occurrenceDateTime="2020")
    assert await ward.found("Immunization") == [early["id"], late["id"]]
    assert await ward.found("Immunization", _sort="-date") == [late["id"], early["id"]]
    assert await ward.found("Immunization", _sort="date", **{"vaccine-code": "http://hl7.org/fhir/sid/cvx|140"}) == [
        early["id"],
        late["id"],
    ]
    assert await ward.found("Immunization", date="2020") == [early["id"]]
    page = valid(await ward.get("Immunization", patient=ward.scene.resident.id, _sort="date", _count=1))
    assert [one["id"] for one in resources(page)] == [early["id"]]
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    page = valid(await ward.client.get(following, headers=ward.system))
    assert [one["id"] for one in resources(page)] == [late["id"]]


async def test_what_is_referred_to_comes_along(ward: Ward) -> None:
    await ward.made(CONDITION, ward.doctor)
    bundle = valid(
        await ward.get(
            "Condition",
            patient=ward.scene.resident.id,
            _include=["Condition:patient", "Condition:asserter"],
        )
    )
    beside = {f"{one['resourceType']}/{one['id']}" for one in resources(bundle, "include")}
    assert beside == {f"Patient/{ward.scene.resident.id}", f"Practitioner/{ward.doctor_id}"}
    back = valid(await ward.get("Patient", _id=ward.scene.resident.id, _revinclude="Condition:patient"))
    assert [one["resourceType"] for one in resources(back, "include")] == ["Condition"]


@pytest.mark.parametrize(
    ("document", "changes", "path"),
    [
        (CONDITION, {"bodySite": [code(SNOMED["system"], "1")]}, "Condition.bodySite"),
        (CONDITION, {"recorder": {"display": "Somebody else"}}, "Condition.recorder"),
        (CONDITION, {"onsetDateTime": "2019-05-01T10:00:00Z"}, "Condition.onsetDateTime"),
        (CONDITION, {"onsetDateTime": "2031"}, "Condition.onsetDateTime"),
        (CONDITION, {"onsetDateTime": None, "onsetString": "long ago"}, "Condition.onsetString"),
        (CONDITION, {"abatementDateTime": "2020"}, "Condition"),
        (CONDITION, {"code": None}, "Condition.code"),
        (CONDITION, {"code": {"coding": [{"code": "I10"}]}}, "Condition.code.coding[0].system"),
        (CONDITION, {"code": {"coding": [{**ICD, "version": "2019"}]}}, "Condition.code.coding[0].version"),
        (CONDITION, {"code": {"coding": [ICD, {**SNOMED, "code": "a|b"}]}}, "Condition.code.coding[1].code"),
        (CONDITION, {"severity": code(SNOMED["system"], "1")}, "Condition.severity"),
        (CONDITION, {"category": [code("urn:x", "y")]}, "Condition.category[0].coding"),
        (CONDITION, {"note": [{"text": "a"}, {"text": "b"}]}, "Condition.note[1]"),
        (CONDITION, {"note": [{"text": "a", "authorString": "b"}]}, "Condition.note[0].authorString"),
        (
            CONDITION,
            {"_onsetDateTime": {"extension": [{"url": "urn:x", "valueString": "y"}]}},
            "Condition._onsetDateTime",
        ),
        (CONDITION, {"subject": {"reference": "Group/1"}}, "Condition.subject.reference"),
        (CONDITION, {"subject": {"reference": "Patient/1"}}, "Condition.subject.reference"),
        (
            CONDITION,
            {"verificationStatus": code(f"{HL7}/condition-ver-status", "entered-in-error")},
            "Condition.verificationStatus",
        ),
        (ALLERGY, {"reaction": [{**ALLERGY["reaction"][0], "onset": "2031"}]}, "AllergyIntolerance.reaction[0].onset"),
        (
            ALLERGY,
            {"reaction": [{**ALLERGY["reaction"][0], "description": "Itch"}]},
            "AllergyIntolerance.reaction[0].description",
        ),
        (ALLERGY, {"category": ["dust"]}, "AllergyIntolerance.category[0]"),
        (IMMUNIZATION, {"status": "entered-in-error"}, "Immunization.status"),
        (IMMUNIZATION, {"primarySource": False}, "Immunization.primarySource"),
        (IMMUNIZATION, {"site": code(SNOMED["system"], "1")}, "Immunization.site"),
        (IMMUNIZATION, {"statusReason": code(SNOMED["system"], "1")}, "Immunization"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_its_place(
    ward: Ward, document: Json, changes: Json, path: str
) -> None:
    sent = {name: value for name, value in ward.said(document, **changes).items() if value is not None}
    issues = refused(await ward.post(sent), 422)
    assert path in [place for issue in issues for place in issue["expression"]], issues
    assert await ward.found(document["resourceType"]) == []


async def test_what_is_said_anyway_is_no_reason_to_refuse(ward: Ward) -> None:
    told = {"display": "Active", **CONDITION["clinicalStatus"]["coding"][0]}
    made = await ward.made(
        CONDITION,
        ward.doctor,
        clinicalStatus={"coding": [told], "text": "Active"},
        asserter={"reference": f"Practitioner/{ward.doctor_id}", "display": "Edith"},
        text={"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>High blood pressure</div>"},
    )
    # A correction sends back what was shown; who corrects it now is another.
    corrected = valid(await ward.put(made | {"onsetDateTime": "2018"}))
    assert corrected["onsetDateTime"] == "2018"
    assert corrected["meta"]["tag"][0]["code"] == "import"


async def test_being_wrong_changes_nothing_else_and_whose_it_is_stays(ward: Ward) -> None:
    made = await ward.made(CONDITION)
    wrong = made | {"verificationStatus": code(f"{HL7}/condition-ver-status", "entered-in-error")}
    del wrong["clinicalStatus"]
    refusal = refused(await ward.put(wrong | {"onsetDateTime": "2001"}), 422)
    assert refusal[0]["expression"] == ["Condition.onsetDateTime"]
    others = refused(await ward.put(made | {"subject": {"reference": f"Patient/{made['id']}"}}), 422)
    assert others[0]["expression"] == ["Condition.subject"]
    as_allergy = ward.said(ALLERGY) | {"id": made["id"]}
    assert refused(await ward.put(as_allergy), 404)
    assert refused(await ward.get(f"AllergyIntolerance/{made['id']}"), 404)
    assert valid(await ward.get(f"Condition/{made['id']}")) == made
