"""The table of numbers that opted out."""

from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.tables import Privacy, instant, table_of


class OptOut(SQLModel, table=True):
    """A number that answered STOP, until it answers START."""

    __tablename__ = "notifications_opt_out"
    privacy: ClassVar[Privacy] = Privacy.none("a keyed hash of a number and its wish: it says whose to nobody")

    number_index: bytes = Field(primary_key=True, sa_type=sa.LargeBinary)
    opted_out_at: datetime = instant()


OPT_OUTS = table_of(OptOut)
