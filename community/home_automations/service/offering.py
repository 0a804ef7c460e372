"""Making an automation or a scene of a template and its answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from community.home_automations.access import HomeSubject
from community.home_automations.models import HomeAutomation, HomeScene
from community.home_automations.rules.templates import TEMPLATES, NotFilledError
from community.home_automations.schemas import HomeAutomationWrite, HomeSceneWrite, TemplateUse
from community.home_automations.service import keeping, scenes


async def make(
    session: AsyncSession, actor: Actor, home: HomeSubject, key: str, data: TemplateUse, language: str
) -> HomeAutomation | HomeScene:
    """Return what a template makes, called as in ``language``.

    Raises ``NotFound``, ``Malformed`` with where an answer is missing, and as writing one does.
    """
    template = TEMPLATES.get(key)
    if template is None:
        raise NotFound
    name = template.names.get(language, template.names["en"])
    try:
        if template.scene is not None:
            wish = HomeSceneWrite(name=name, commands=template.commands(data.values))
            return await scenes.create(session, actor, home, wish)
        definition = template.definition(data.values)
    except NotFilledError as error:
        raise Malformed(errors=[FieldError(f"/body/values/{error.key}", str(error), "not_filled")]) from None
    except ValueError:
        raise Malformed(
            errors=[FieldError("/body/values", "no automation can be made of this", "value_error")]
        ) from None
    wanted = HomeAutomationWrite(name=name, definition=definition, is_enabled=data.is_enabled)
    return await keeping.create(session, actor, home, wanted, template=key)
