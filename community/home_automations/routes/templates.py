"""What is often wanted of a home, over HTTP: offered with what could be the answers, and made of them."""

import uuid
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path
from pydantic import BaseModel, Field

from app.core.access import CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import LANGUAGES, PeopleOnly, Person, language_for
from community.home_automations.access import MANAGE, READ, require_home
from community.home_automations.models import HomeScene
from community.home_automations.problems import HomeNotActive, TooManyInHome
from community.home_automations.rules.definitions import Definition
from community.home_automations.schemas import HomeTemplatePublic, TemplateMade, TemplateUse
from community.home_automations.service import offering
from community.home_automations.views import automations, scenes, templates

router = Router(tags=["smart_home"])

_GUARDED: Final = (Unauthenticated, PeopleOnly, Forbidden, NotFound)
_OF: Final = "/homes/{home_id}/automation-templates"


async def _language(accept_language: Annotated[str, Header(max_length=200)] = LANGUAGES[0]) -> str:
    return language_for(accept_language)


Language = Annotated[str, Depends(_language)]


class AutomationSchema(BaseModel):
    """What an automation may say, as a JSON Schema (draft 2020-12)."""

    json_schema: dict[str, Any] = Field(description="of `definition` in an automation")


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_home_automation_templates(
    home_id: uuid.UUID, connection: Reading, actor: Person, language: Language
) -> Page[HomeTemplatePublic]:
    """List what families often want, each with its questions and what in this home could be the answers."""
    home = await require_home(connection, actor, home_id, MANAGE, READ)
    return Page(items=await templates.templates(connection, actor, home, language), next=None)


@router.post(f"{_OF}/{{key}}", status_code=201, responses=problem_responses(*_GUARDED, HomeNotActive, TooManyInHome))
async def use_home_automation_template(
    home_id: uuid.UUID,
    key: Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,40}$")],
    session: Session,
    actor: Person,
    language: Language,
    data: TemplateUse,
) -> TemplateMade:
    """Make an automation or a scene of a template and its answers."""
    connection = await session.connection()
    home = await require_home(connection, actor, home_id, MANAGE)
    row = await offering.make(session, actor, home, key, data, language)
    if isinstance(row, HomeScene):
        return TemplateMade(automation=None, scene=scenes.shown(row))
    return TemplateMade(automation=await automations.after_change(connection, home, row.id), scene=None)


@router.get("/home-automation-schema", responses=problem_responses(Unauthenticated))
@route_options(database=False)
async def get_home_automation_schema(actor: CurrentActor) -> AutomationSchema:  # noqa: ARG001 - the guard
    """Return what an automation may say, for apps that build forms from it."""
    return AutomationSchema(json_schema=Definition.model_json_schema(by_alias=True))
