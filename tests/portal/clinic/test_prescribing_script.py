"""What a drug that was prescribed before brings into the form: the script and the page it reads are asked."""

import json
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI

import app.portal.clinic
from app.core.database import Database
from app.portal.clinic.texts import WORDS
from tests import node
from tests.factories import identity, telemedicine_prescriptions
from tests.portal.clinic.world import number, ward
from tests.portal.elements import Elements
from tests.portal.ground import submit, visitor

_ASKED: Final = Path(__file__).with_name("prescribing.mjs")
_SCRIPT: Final = Path(app.portal.clinic.__file__).with_name("assets") / "prescribing.js"


def test_a_dose_is_filled_in_never_over_what_was_typed_and_never_left_with_another_drug() -> None:
    assert json.loads(node.run(node.NODE, _ASKED, _SCRIPT, cwd=_ASKED.parent)) == [
        "||||||atc|",
        "as on 3 May|1 at night|30|{tablet}||372567009|snomed|1",
        "||||||atc|",
        "as on 3 May|1 at night|30|{tablet}||372567009|snomed|1",
        "|2 at noon|||||atc|",
        "as on 3 May|2 at noon|30|{tablet}||N02BA01|atc|1",
    ]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_what_this_clinic_prescribed_is_suggested_with_its_dose(
    app: FastAPI, database: Database, language: str
) -> None:
    here = await ward(language=language)
    await number(here, here.walks_in)
    await telemedicine_prescriptions.prescription(here.walks_in, here.organization, here.doctor)
    async with visitor(app, here.doctor) as doctor:
        page = await doctor.get(f"{here.address}/patients/{here.walks_in.id}/prescriptions")
        options = [given for tag, given in Elements(page.text).found if tag == "option"]
        (drug,) = [one for one in options if one.get("data-dosage")]
        assert drug["value"] == "Amoxicillin 500 mg, the Wisteria brand"
        brings = {key: drug[f"data-{key}"] for key in ("dosage", "amount", "unit", "system", "code", "ingredient")}
        assert brings == {
            "dosage": "1 capsule every 8 hours for 7 days",
            "amount": "21",
            "unit": "{capsule}",
            "system": "atc",
            "code": "J01CA04",
            "ingredient": "764146007",
        }
        assert "1 capsule every 8 hours for 7 days" in [one["value"] for one in options]
        assert WORDS[language]["rx_filled"].partition("{")[0] in page.text


async def test_what_was_stopped_or_is_anothers_is_suggested_by_name_alone(app: FastAPI, database: Database) -> None:
    here = await ward()
    await number(here, here.walks_in)
    other = await identity.organization(here.place, "clinic", name="Hill Clinic")
    await telemedicine_prescriptions.prescription(here.walks_in, other, here.doctor)
    ours = await telemedicine_prescriptions.prescription(here.walks_in, here.organization, here.doctor)
    address = f"{here.address}/patients/{here.walks_in.id}/prescriptions"
    async with visitor(app, here.doctor) as doctor:
        stopped = await submit(doctor, f"{address}/{ours.id}", f"{address}/{ours.id}/stop", reason="Rash")
        assert stopped.status_code == 303
        page = await doctor.get(address)
        options = [given for tag, given in Elements(page.text).found if tag == "option"]
        assert "Amoxicillin 500 mg, the Wisteria brand" in [one["value"] for one in options]
        assert not any(one.get("data-dosage") for one in options)
