"""How a provider does, as it is shown to it and to the operator."""

from pydantic import BaseModel, Field


class QualityMonth(BaseModel):
    """A month of a provider's work, by when it was to begin; each figure counts orders for itself."""

    month: str = Field(description="such as 2026-03, on the community's wall")
    orders: int
    on_time: int = Field(description="finished, and begun at most a quarter of an hour late")
    late: int = Field(description="begun later than that")
    median_minutes_late: float | None = Field(description="of those that were late")
    unfilled: int = Field(description="called off because nobody could go")
    cancelled_by_provider: int
    complaints: int
    rework: int = Field(description="done anew for nothing")
    average_rating: float | None = Field(description="empty while fewer than five residents rated it")


class Quality(BaseModel):
    """A provider's work, month by month."""

    items: list[QualityMonth]
