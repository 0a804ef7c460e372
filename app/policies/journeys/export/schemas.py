"""What a person is handed of what is held about them."""

import uuid
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from app.media.api import Purpose, Trouble

ExportFormat = Literal["json", "fhir"]


class ExportedTable(BaseModel):
    """What one table holds about the person, and what the law lets them know of it (GDPR Art. 15(1), PIPL Art. 17)."""

    purpose: str
    basis: str = Field(examples=["contract"])
    health_data: str | None = Field(description="why data on health may be held; null where there is none")
    kept: str = Field(description="how long", examples=["3 years after closed_at"])
    recipients: list[str]
    rows: list[dict[str, Any]]


class ExportedFile(BaseModel):
    """A file about the person, or what has arrived of one."""

    id: uuid.UUID = Field(description="of its row in `media_upload`")
    purpose: Purpose
    content_type: str
    is_whole: bool = Field(description="false for an upload that was not finished")
    size: int = Field(description="bytes, as they were kept")
    sha256: str | None = Field(description="of the content below, in hex")
    trouble: Trouble | None = Field(
        description="`unreadable`: the store has it no more; `altered`: what it has is not what was kept"
    )
    content: str | None = Field(description="in Base64; null if it is unreadable")


class PersonalExport(BaseModel):
    """Everything that is held about the person: by table, then the files.

    It is read while it is sent: each row is as it was at one moment between `exported_at` and `finished_at`.
    """

    exported_at: AwareDatetime
    tables: dict[str, ExportedTable]
    files: list[ExportedFile]
    finished_at: AwareDatetime
