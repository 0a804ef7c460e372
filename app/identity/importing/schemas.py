"""What an operator is told about an import."""

from pydantic import BaseModel, Field


class RowError(BaseModel):
    """One thing that is wrong in a row; the row was left out."""

    row: int = Field(description="as the spreadsheet counts: the header is row 1")
    column: str | None
    code: str
    detail: str


class ImportReport(BaseModel):
    """What became of a file's rows (or, in a dry run, what would)."""

    dry_run: bool
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    errors: list[RowError] = Field(default_factory=list, description="the first thousand")
    errors_omitted: int = 0
