"""Rows whose deadline could not be worked off: taken out of the queue, tried again, in the end parked for a human."""

import uuid
from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from app.core.tables import Privacy, instant, optional_instant


class ParkedRow(SQLModel, table=True):
    """One row of any queue.

    ``retry_at`` is set while it waits for its next try, ``parked_at`` once nobody tries any more, neither while it is
    back in its queue.
    """

    __tablename__ = "core_parked_row"
    privacy: ClassVar[Privacy] = Privacy.none("names a queue and a row id")

    due_name: str = Field(primary_key=True)
    row_id: uuid.UUID = Field(primary_key=True)
    due_at: datetime = instant()
    attempts: int
    reason: str
    retry_at: datetime | None = optional_instant()
    parked_at: datetime | None = optional_instant()
