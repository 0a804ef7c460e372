"""What staff is told of notices and their texts."""

from typing import Literal

from pydantic import BaseModel, Field

from notifications.templates.notices import Channel, Urgency
from notifications.templates.variables import Kind

Language = Literal["en", "zh-CN"]


class NoticeTemplatePublic(BaseModel):
    """A kind of message: what it is called, how urgent it is and which ways it can go."""

    key: str = Field(examples=["eldercare.check_in_prompt"])
    category: str
    category_name: str = Field(description="as people choose about it, in English")
    urgency: Urgency
    channels: list[Channel] = Field(description="in the order they are tried, where only the first is used")
    variables: dict[str, Kind] = Field(description="what its texts speak of")


class NoticeTemplatePreview(BaseModel):
    """A text as somebody would read it, of people and things that do not exist."""

    key: str
    channel: Channel
    language: Language
    title: str | None = Field(description="messages and calls have none")
    body: str
