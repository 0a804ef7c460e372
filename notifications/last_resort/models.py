"""The table of the last resort: what the duty desk was last told of a queue."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.core.tables import Privacy, optional_instant


class StuckQueue(SQLModel, table=True):
    """A queue of which rows of a community were stuck: ``row_ids`` are those the desk was told of at ``told_at``."""

    __tablename__ = "notifications_stuck_queue"
    privacy: ClassVar[Privacy] = Privacy.none("names a queue, a community and rows by their ids")

    due_name: str = Field(primary_key=True)
    community_id: uuid.UUID = Field(primary_key=True)
    told_at: datetime | None = optional_instant()
    times: int = Field(default=0, description="how often it was told of this trouble")
    row_ids: list[uuid.UUID] = Field(default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False)
