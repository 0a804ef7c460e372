"""What cannot be so is refused, by where it is wrong; what is not known well is kept as well as it is known."""

from typing import Any

import httpx
import pytest

from tests.factories import telemedicine_records as given
from tests.factories.telemedicine_records import ALLERGY, CONDITION, COVERAGE, ENCOUNTER, IMMUNIZATION, OBSERVATION
from tests.telemedicine.records.conftest import Desk

_REACTION = {"manifestations": [{"text": "Rash"}], "onset": "2027"}
# What is wrong, under which pointer, as which code. The resident was born on 1 May 1940; it is 2 March 2026.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (CONDITION | {"onset": "2026-03-03"}, "onset", "in_future"),
    (CONDITION | {"onset": "1940-04-30"}, "onset", "before_birth"),
    (CONDITION | {"onset": "1939"}, "onset", "before_birth"),
    (
        CONDITION | {"clinical_status": "resolved", "onset": "2020", "abatement": "2019-12"},
        "abatement",
        "order",
    ),
    (ALLERGY | {"last_occurrence": "2026-04"}, "last_occurrence", "in_future"),
    (ALLERGY | {"reactions": [_REACTION]}, "reactions/0/onset", "in_future"),
    (IMMUNIZATION | {"occurrence": "1940-03"}, "occurrence", "before_birth"),
    (OBSERVATION | {"effective_at": "2026-03-02T08:05:01Z"}, "effective_at", "in_future"),
    (OBSERVATION | {"effective_at": "1940-04-30T12:00:00+08:00"}, "effective_at", "before_birth"),
    (ENCOUNTER | {"ends_at": "2026-03-02T06:00:00Z"}, "ends_at", "order"),
    (ENCOUNTER | {"starts_at": "2026-03-02T08:10:00Z", "ends_at": None}, "starts_at", "in_future"),
    (given.CARE_PLAN | {"ends_on": "2026-03-01"}, "ends_on", "order"),
    (COVERAGE | {"ends_on": "2025-12-31"}, "ends_on", "order"),
]
MALFORMED: list[dict[str, Any]] = [
    CONDITION | {"clinical_status": "entered-in-error"},
    CONDITION | {"abatement": "2026-01"},
    CONDITION | {"onset": "1998-13"},
    CONDITION | {"onset": "1998-02-30"},
    CONDITION | {"onset": "1899"},
    CONDITION | {"onset": "١٩٩٨"},
    CONDITION | {"code": {}},
    CONDITION | {"code": {"coding": {"system": "snomed", "code": "1"}}},
    CONDITION | {"note": "x" * 4001},
    CONDITION | {"lot_number": "L"},
    ALLERGY | {"verification_status": "provisional"},
    ALLERGY | {"reactions": [{"manifestations": []}]},
    ALLERGY | {"reactions": [{"manifestations": [{"text": "Rash"}]}] * 11},
    IMMUNIZATION | {"status_reason": {"text": "Refused"}},
    IMMUNIZATION | {"dose_number": 0},
    OBSERVATION | {"category": "vital-signs"},
    OBSERVATION | {"text": "High"},
    OBSERVATION | {"quantity": None},
    OBSERVATION | {"quantity": {"value": "6.4", "unit": "%"}},
    OBSERVATION | {"data_absent_reason": "unknown"},
    OBSERVATION | {"reference_range": {"low": 7, "high": 6}},
    OBSERVATION | {"effective_at": "2026-03-01T09:00:00"},
    ENCOUNTER | {"encounter_class": "IMP"},
    COVERAGE | {"member_number": " "},
    {"kind": "medication"},
    {},
]


def _errors(answer: httpx.Response) -> list[dict[str, str]]:
    errors: list[dict[str, str]] = answer.json()["errors"]
    return errors


async def test_what_cannot_be_so_is_refused_and_nothing_is_kept(desk: Desk) -> None:
    for content, field, code in REFUSED:
        answer = await desk.enter(desk.clinician, content)
        assert answer.status_code == 422, (content, answer.text)
        problem = answer.json()
        assert problem["code"] == "health_record_refused"
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(f"/body/content/{field}", code)]
    for content in MALFORMED:
        answer = await desk.enter(desk.clinician, content)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), (content, answer.text)
        assert all(error["pointer"].startswith("/body/content") for error in _errors(answer))
        assert content.get("kind") not in {part for error in _errors(answer) for part in error["pointer"].split("/")}
    thirteenth = await desk.enter(desk.clinician, CONDITION | {"onset": "1998-13"})
    assert [error["pointer"] for error in _errors(thirteenth)] == ["/body/content/onset"]
    assert await desk.ids(desk.clinician, entered_in_error=True) == []


@pytest.mark.parametrize("onset", ["1940", "1940-05", "1940-05-01", "2026", "2026-03", "2026-03-02"])
async def test_a_day_is_kept_as_well_as_it_is_known(desk: Desk, onset: str) -> None:
    assert (await desk.entered(desk.clinician, CONDITION | {"onset": onset}))["content"]["onset"] == onset


async def test_what_lies_ahead_can_be_planned(desk: Desk) -> None:
    planned = ENCOUNTER | {"status": "planned", "starts_at": "2026-05-01T08:00:00Z", "ends_at": None}
    await desk.entered(desk.clinician, planned)
    await desk.entered(desk.clinician, given.CARE_PLAN | {"starts_on": "2026-06-01"})
    absent = OBSERVATION | {"quantity": None, "reference_range": None, "data_absent_reason": "not-performed"}
    await desk.entered(desk.clinician, absent)
