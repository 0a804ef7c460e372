"""What helpers measure at home and type in: its codes, its units, and the readings a form makes of it."""

from collections.abc import Mapping
from typing import Any, Final

from app.portal.ground.forms import Form

SYSTOLIC: Final = "8480-6"
DIASTOLIC: Final = "8462-4"
ENTERED: Final[Mapping[str, tuple[str, str, str]]] = {
    "pressure": (SYSTOLIC, "mm[Hg]", "blood_pressure_systolic"),
    "pulse": ("8867-4", "/min", "heart_rate"),
    "temperature": ("8310-5", "Cel", "body_temperature"),
    "oxygen": ("2708-6", "%", "oxygen_saturation"),
    "weight": ("29463-7", "kg", "body_weight"),
    "glucose": ("2339-0", "mg/dL", "blood_glucose"),
}
"""What a helper measures at home: its code (LOINC), the unit it is typed in, its name."""


def readings_of(form: Form, measured_at: str) -> list[dict[str, Any]] | None:
    """Return what was typed as readings of that instant; ``None`` where there is none."""
    kind = form.text("kind", 20)
    if kind not in ENTERED or (value := form.decimal("value")) is None:
        return None
    code, unit, _ = ENTERED[kind]
    readings = [{"code": code, "unit": unit, "value": value, "measured_at": measured_at}]
    if kind == "pressure":
        lower = form.decimal("lower")
        if lower is None or lower >= value:
            return None
        readings.append({"code": DIASTOLIC, "unit": unit, "value": lower, "measured_at": measured_at})
    return readings
