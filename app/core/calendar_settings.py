"""The settings of calendars that are read elsewhere."""

from pydantic import BaseModel, Field


class CalendarSettings(BaseModel):
    """Calendars elsewhere that say when a practitioner is busy."""

    allow_private: bool = Field(
        default=False, description="let them be on http and in private networks, where their servers are neighbours"
    )
    timeout: float = Field(default=20.0, gt=0, le=60, description="seconds reading one may take, redirects included")
