"""What uploads look like from outside."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PositiveInt

from app.media.rules import Purpose


class UploadCreate(BaseModel):
    """What is going to be uploaded."""

    purpose: Purpose
    content_type: Annotated[str, Field(max_length=100, examples=["image/jpeg"])]
    size: Annotated[PositiveInt, Field(le=2**40, description="bytes")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="of the whole content, in lower-case hex")]


class UploadPublic(BaseModel):
    """An upload and how far it is. Send the pieces in order, each at ``received``, none larger than ``piece_size``."""

    id: uuid.UUID
    purpose: Purpose
    content_type: str
    size: Annotated[int, Field(description="bytes; once stored, without what was stripped")]
    received: Annotated[int, Field(description="bytes that have arrived: where the next piece begins")]
    piece_size: Annotated[int, Field(description="bytes a piece may have at most")]
    state: Literal["receiving", "stored", "rejected"]
    reason: Annotated[str | None, Field(description="the problem's code, when it was rejected")]
    expires_at: Annotated[datetime | None, Field(description="when it is removed unless it is in use by then")]
    url: Annotated[str | None, Field(description="a link to the stored file, good for a few minutes")]
    upload_url: Annotated[
        str | None,
        Field(
            description="where to send the pieces without signing in, for some hours and until the last one has arrived"
        ),
    ]


class MediaPublic(BaseModel):
    """A file that belongs to something."""

    id: uuid.UUID
    purpose: Purpose
    content_type: str
    size: Annotated[int, Field(description="bytes")]
    sha256: Annotated[str | None, Field(description="of what is kept, in lower-case hex; empty for old files")]
    taken_at: Annotated[
        datetime | None, Field(default=None, description="of a picture, where whoever took it says when")
    ]
    url: Annotated[str, Field(description="good for a few minutes")]
