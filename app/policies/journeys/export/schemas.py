"""What a person is handed of what is held about them."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

ExportFormat = Literal["json", "fhir"]


class ExportedTable(BaseModel):
    """What one table holds about the person, and what the law lets them know of it (GDPR Art. 15(1), PIPL Art. 17)."""

    purpose: str
    basis: str = Field(examples=["contract"])
    health_data: str | None = Field(description="why data on health may be held; null where there is none")
    kept: str = Field(description="how long", examples=["3 years after closed_at"])
    recipients: list[str]
    rows: list[dict[str, Any]]


class PersonalExport(BaseModel):
    """Everything that is held about the person, by table."""

    exported_at: AwareDatetime
    tables: dict[str, ExportedTable]
