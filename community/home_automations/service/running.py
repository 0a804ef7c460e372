"""What an automation does: its actions in order, what waits between them, and each decision written down."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import system_actor
from app.core.problems import Problem, TooManyRequests
from community.home_automations import repository
from community.home_automations.models import (
    HomeAutomation,
    HomeAutomationEffect,
    HomeAutomationRun,
    HomeAutomationStep,
    HomeScene,
)
from community.home_automations.repository import Owner
from community.home_automations.rules.definitions import (
    Action,
    AlarmAction,
    CommandAction,
    CommandGive,
    DelayAction,
    NoticeAction,
    SceneAction,
    as_json,
)
from community.home_automations.rules.limits import EFFECT, LATEST, OffReason, alarm_digest, command_digest
from community.home_automations.service.scenes import count
from community.home_automations.service.telling import tell, tell_off
from community.home_care import repository as incidents
from community.home_care.rules.acts import Raise
from community.home_care.service.raising import raise_all
from community.home_commands.access import targets
from community.home_commands.service.commanding import count as count_command
from community.home_commands.service.commanding import give

_ACTIONS: Final[TypeAdapter[list[Action]]] = TypeAdapter(list[Action])
Result = dict[str, Any]


async def enter(
    session: AsyncSession,
    owner: Owner,
    state: str,
    *,
    fired_at: datetime,
    trigger: Mapping[str, Any],
    conditions: Sequence[Mapping[str, Any]] = (),
    depth: int = 0,
) -> HomeAutomationRun:
    """Write down a decision, and return it."""
    run = HomeAutomationRun(
        automation_id=owner.id,
        home_id=owner.home_id,
        resident_id=owner.resident_id,
        community_id=owner.community_id,
        state=state,
        fired_at=fired_at,
        definition_version=owner.version,
        trigger=dict(trigger),
        conditions=[dict(one) for one in conditions],
        depth=depth,
        last_at=fired_at,
    )
    session.add(run)
    await session.flush()
    return run


async def perform(
    session: AsyncSession, owner: Owner, run: HomeAutomationRun, actions: Sequence[Action], first: int, late: timedelta
) -> None:
    """Do the actions of a run, up to the next delay; ``first`` is the position of the first of them."""
    results = list(run.actions)
    state = "done"
    for offset, action in enumerate(actions):
        place = first + offset
        if isinstance(action, DelayAction):
            due_at = clock.now() + action.lasts
            session.add(
                HomeAutomationStep(
                    run_id=run.id,
                    automation_id=owner.id,
                    home_id=owner.home_id,
                    resident_id=owner.resident_id,
                    due_at=due_at,
                    position=place + 1,
                    actions=[as_json(one) for one in actions[offset + 1 :]],
                )
            )
            results.append(_result(place, action, "waits", until=due_at.isoformat()))
            state = "running"
            break
        results += await _do(session, owner, run, action, place, late)
    run.actions, run.state = results, state
    await session.flush()


async def resume(session: AsyncSession, step_ids: Sequence[uuid.UUID]) -> None:
    """Go on with runs whose delay is over, however late that is noticed; but not in a home that is not active."""
    found = await repository.steps(session, step_ids)
    active = await repository.active_homes(session, {step.home_id for step, _ in found})
    owners = await repository.owners(session, {step.automation_id for step, _ in found})
    now = clock.now()
    for step, run in found:
        late = now - (step.due_at or now)
        if step.home_id not in active:
            step.state, step.due_at, run.state = "stopped", None, "stopped"
            continue
        step.state, step.due_at = "done", None
        await perform(
            session, owners[step.automation_id], run, _ACTIONS.validate_python(step.actions), step.position, late
        )


async def switch_off(session: AsyncSession, row: HomeAutomation, because: OffReason, at: datetime) -> None:
    """Let an automation do nothing any more, and nothing that it had begun."""
    row.is_enabled, row.off_because, row.off_since = False, because, at
    await repository.stop_waiting(session, row.id)
    await repository.forget(session, row.id)
    await session.flush()


async def switch_off_by_itself(session: AsyncSession, owner: Owner, because: OffReason, run: HomeAutomationRun) -> None:
    """Switch an automation off that must not go on, with the reason in its log, and tell of it once."""
    now = clock.now()
    await switch_off(session, await repository.automation(session, owner.id), because, now)
    run.actions = [*run.actions, {"kind": "switched_off", "result": because, "at": now.isoformat()}]
    await session.flush()
    if because != "home_closed":  # whoever closed it knows
        await tell_off(session, owner, run.id, because, now)


def _result(place: int, action: Action, result: str, **more: Any) -> Result:
    return {"position": place, "kind": action.kind, "result": result, "at": clock.now().isoformat()} | more


async def _do(
    session: AsyncSession, owner: Owner, run: HomeAutomationRun, action: Action, place: int, late: timedelta
) -> list[Result]:
    match action:
        case CommandAction():
            return [_result(place, action, **await _command(session, owner, run, action, late))]
        case SceneAction():
            scene = await repository.scene(session, action.scene_id, owner.home_id)
            if scene is None:
                return [_result(place, action, "refused", code="scene_gone")]
            return await _scene(session, owner, run, (action, place, scene), late)
        case NoticeAction():
            told = await tell(session, owner, run, action, place)
            return [_result(place, action, "told" if told else "nobody_may_know", accounts=told)]
        case AlarmAction():
            return [_result(place, action, await _alarm(session, owner, run, action))]
        case DelayAction():
            return []
        case _:
            assert_never(action)


async def _scene(
    session: AsyncSession,
    owner: Owner,
    run: HomeAutomationRun,
    what: tuple[SceneAction, int, HomeScene],
    late: timedelta,
) -> list[Result]:
    action, place, scene = what
    try:
        await count(scene.home_id)
    except TooManyRequests as refusal:
        return [_result(place, action, "refused", code=refusal.code)]
    given = [CommandGive.model_validate(one) for one in scene.commands]
    return [_result(place, action, **await _command(session, owner, run, one, late, is_counted=True)) for one in given]


async def _command(
    session: AsyncSession,
    owner: Owner,
    run: HomeAutomationRun,
    action: CommandGive,
    late: timedelta,
    *,
    is_counted: bool = False,
) -> Result:
    about = {"entity_id": str(action.entity_id), "command": action.command}
    # What the resident agreed to was meant for then; what is harmless is made up for however late it is.
    is_agreed = late <= LATEST and await _is_agreed(session, owner, action)
    try:
        if not is_counted:
            await count_command(owner.home_id, by_person=False)
        async with session.begin_nested():
            command = await give(
                session,
                system_actor(owner.community_id),
                action.entity_id,
                action.command,
                action.arguments,
                origin="automation",
                is_agreed=is_agreed,
            )
    except Problem as refusal:
        return {"result": "refused", "code": refusal.code, **about}
    session.add(
        HomeAutomationEffect(
            id=command.id,
            entity_id=action.entity_id,
            resident_id=owner.resident_id,
            expected=dict(command.expected),
            depth=run.depth + 1,
            until=clock.now() + EFFECT,
        )
    )
    result = "failed" if command.state == "failed" else "given"
    return {"result": result, "command_id": str(command.id), "code": command.reason, **about}


async def _is_agreed(session: AsyncSession, owner: Owner, action: CommandGive) -> bool:
    """Say whether the resident agreed to this very command to the thing as it is now."""
    if not owner.agreed:
        return False
    found = (await targets(await session.connection(), [action.entity_id])).get(action.entity_id)
    if found is None:
        return False
    return command_digest(str(action.entity_id), action.command, action.arguments, found.thing) in owner.agreed


async def _alarm(session: AsyncSession, owner: Owner, run: HomeAutomationRun, action: AlarmAction) -> str:
    if alarm_digest(action.alarm, action.severity) not in owner.agreed:
        return "not_agreed"
    key, now = (owner.home_id, action.alarm, owner.id), clock.now()
    explanation = {"automation_id": str(owner.id), "run_id": str(run.id)}
    raised = Raise(kind=action.alarm, severity=action.severity, at=now, is_hint=True, explanation=explanation)
    await raise_all(session, {owner.home_id: owner}, {key: raised})
    # Nothing in the home would ever end it: that is for those who look. The next one is told anew.
    await incidents.settle(session, [key], now, silently=True)
    return "raised"
