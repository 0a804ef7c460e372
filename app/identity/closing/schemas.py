"""What is said about the end of a residence."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Closure(BaseModel):
    """Why and on which local day a residence ended."""

    model_config = ConfigDict(extra="forbid")

    reason: Literal["died", "moved_out"]
    day: date = Field(alias="date", description="the local day of the death or of the move")
