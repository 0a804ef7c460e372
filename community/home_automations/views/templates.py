"""Templates as they are offered to a home: with what in it could be the answer to each question."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.identity.api import language_for, trace_read
from community.home_automations.access import HomeSubject, may_be_told
from community.home_automations.rules.templates import TEMPLATES, Parameter, Template
from community.home_automations.schemas import HomeTemplatePublic, TemplateParameter
from community.home_devices.models import ENTITIES

_e = ENTITIES.c
_ENTITIES: Final = (
    sa.select(_e.id, _e.component, _e.role)
    .where(_e.home_id == sa.bindparam("home_id", type_=sa.Uuid), _e.state == "active")
    .order_by(_e.id)
    .limit(2000)
)


async def templates(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, language: str
) -> list[HomeTemplatePublic]:
    """Return what is offered to a home, in the language (BCP 47) closest to ``language``."""
    await trace_read(connection, actor, home.subject, "home_automation_templates:list", home.id)
    things = (await connection.execute(_ENTITIES, {"home_id": home.id})).all()
    people = sorted(await may_be_told(connection, home.resident_id, clock.now()))
    spoken = language_for(language)
    return [_shown(one, things, people, spoken) for one in TEMPLATES.values()]


def _shown(one: Template, things: Sequence[Any], people: Sequence[uuid.UUID], language: str) -> HomeTemplatePublic:
    return HomeTemplatePublic(
        key=one.key,
        name=_said(one.names, language),
        text=_said(one.text, language),
        makes="scene" if one.scene else "automation",
        parameters=[
            TemplateParameter(
                key=asked.key,
                text=_said(asked.text, language),
                kind=asked.kind,
                is_required=asked.is_required,
                default=asked.default,
                candidates=list(people) if asked.kind == "accounts" else _candidates(asked, things),
            )
            for asked in one.parameters
        ],
    )


def _candidates(asked: Parameter, things: Sequence[Any]) -> list[uuid.UUID]:
    if asked.kind not in ("entity", "entities"):
        return []
    return [
        thing.id
        for thing in things
        if (not asked.roles or thing.role in asked.roles)
        and (not asked.components or thing.component in asked.components)
    ]


def _said(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language, texts["en"])
