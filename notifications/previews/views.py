"""The declared notices as staff sees them: which there are, and what they look like."""

from app.core.problems import NotFound
from notifications.previews.problems import CannotBePreviewed
from notifications.previews.schemas import Language, NoticeTemplatePreview, NoticeTemplatePublic
from notifications.templates.categories import name_of
from notifications.templates.examples import rendered
from notifications.templates.notices import Channel, notices
from notifications.templates.rendering import CannotRender
from notifications.templates.texts import FALLBACK


def notice_templates() -> list[NoticeTemplatePublic]:
    """Return every kind of message by key."""
    return [
        NoticeTemplatePublic(
            key=notice.key,
            category=notice.category,
            category_name=name_of(notice.category, FALLBACK),
            urgency=notice.urgency,
            channels=list(notice.channels),
            variables=dict(notice.variables),
        )
        for _, notice in sorted(notices().items())
    ]


def preview(key: str, channel: Channel, language: Language) -> NoticeTemplatePreview:
    """Return a text with made-up variables.

    Raises ``NotFound`` for a notice that is not declared or does not go over ``channel``, ``CannotBePreviewed``.
    """
    notice = notices().get(key)
    if notice is None or channel not in notice.channels:
        raise NotFound("there is no such text")
    try:
        text = rendered(notice, channel, language)
    except CannotRender as error:
        raise CannotBePreviewed(str(error)) from None
    return NoticeTemplatePreview(key=key, channel=channel, language=language, title=text.title, body=text.body)
