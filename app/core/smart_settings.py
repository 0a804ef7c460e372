"""The settings of clients that show themselves by keys of their own."""

from pydantic import BaseModel, Field


class SmartSettings(BaseModel):
    """Keys of SMART clients that are published elsewhere."""

    allow_private: bool = Field(
        default=False, description="let them be on http and in private networks, where their servers are neighbours"
    )
    timeout: float = Field(default=5.0, gt=0, le=30, description="seconds fetching keys may take")
