"""Averages as they are shown."""

from pydantic import BaseModel, Field


class Score(BaseModel):
    """What a provider or somebody who comes was given in the last year, by at least five residents."""

    average: float = Field(description="stars, to one decimal")
    count: int = Field(description="of how many ratings")
