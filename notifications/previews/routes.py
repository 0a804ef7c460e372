"""The texts of notices over HTTP, for staff to look at."""

from typing import Annotated

from fastapi import Depends

from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, route_options
from app.identity.api import Member, member_guard
from notifications.previews import views
from notifications.previews.problems import CannotBePreviewed
from notifications.previews.schemas import Language, NoticeTemplatePreview, NoticeTemplatePublic
from notifications.templates.notices import Channel

router = Router(tags=["notifications"])

Colleague = Annotated[
    Member, Depends(member_guard("operator", "dispatcher", "coordinator", "carer", "clinician", "worker"))
]


@router.get("/notice-templates", responses=problem_responses(Unauthenticated, Forbidden))
@route_options(database=False)
async def list_notice_templates(
    member: Colleague,  # noqa: ARG001 - it guards
) -> Page[NoticeTemplatePublic]:
    """List the kinds of messages people can get."""
    return Page(items=views.notice_templates(), next=None)


@router.get(
    "/notice-templates/{notice_key}/preview",
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, CannotBePreviewed),
)
@route_options(database=False)
async def preview_notice_template(
    member: Colleague,  # noqa: ARG001 - it guards
    notice_key: str,
    channel: Channel,
    language: Language = "en",
) -> NoticeTemplatePreview:
    """Show how a message reads over a channel, told of people and things that do not exist."""
    return views.preview(notice_key, channel, language)
