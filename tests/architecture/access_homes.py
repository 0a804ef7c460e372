"""What the access matrix names of smart homes: a resident's home and its things, what it does, noticed, was told."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Resident
from community.home_automations.models import HomeAutomation, HomeAutomationMemory, HomeAutomationRun, HomeScene
from community.home_care.models import HomeCare, HomeIncident
from community.home_commands.models import HomeCommand
from community.home_devices.models import HomeEntity
from community.home_hubs.models import HUB_TOKEN, HUB_URL, HomeHub
from community.home_panels.models import HomePanel
from community.home_states.models import HomeState
from community.homes.models import Home
from tests.factories import community_homes

TEMPLATE: Final = "good_night"


async def things(resident: Resident) -> dict[str, object]:
    """Insert the resident's home with a room, a lamp and a lock in it, and all there is of it; return their ids."""
    home = await community_homes.home(resident)
    room = await community_homes.room(home)
    device = await community_homes.device(home, room=room)
    topics = {"command_topic": "thing/set", "state_topic": "thing/state"}
    lamp = await community_homes.entity(device, "light", name="Lamp", config=topics)
    lock = await community_homes.entity(device, "lock", name="Door", role="lock", config=topics)
    scene = HomeScene(
        home_id=home.id,
        resident_id=resident.id,
        community_id=home.community_id,
        name="Night",
        commands=[_command(lamp.id, "turn_off")],
    )
    command = _asked(home, lock, resident)
    automation = await _automation(home, lamp)
    now = clock.now()
    of_home: dict[str, Any] = {"home_id": home.id, "resident_id": resident.id, "community_id": home.community_id}
    stands = HomeState(
        entity_id=lamp.id, home_id=home.id, resident_id=resident.id, state="on", changed_at=now, reported_at=now
    )
    care = HomeCare(**of_home, evaluate_at=now + timedelta(hours=1), learn_at=now + timedelta(days=1))
    incident = HomeIncident(
        **of_home, kind="cold", source_id=home.id, severity="low", noticed_at=now, told_at=now, explanation={}
    )
    hub = HomeHub(
        **of_home,
        url=seal("https://8.8.8.8:8123", HUB_URL),
        host="8.8.8.8",
        token=seal("a-token-that-is-long-enough", HUB_TOKEN),
        state="failing",
        error="unreachable",
    )
    panel = HomePanel(**of_home, key=community_homes.key(), language="en", shows=["sos"], publish_at=now)
    async with unit_of_work() as session:
        session.add_all([scene, command, stands, care, incident, hub, panel])
    return {
        "homes": home.id,
        "homes/devices": device.id,
        "homes/entities": lamp.id,
        "homes/rooms": room.id,
        "home-entities": lamp.id,
        "home-commands": command.id,
        "home-scenes": scene.id,
        "home-automations": automation.id,
        "automation-templates": TEMPLATE,
    }


def _asked(home: Home, lock: HomeEntity, resident: Resident) -> HomeCommand:
    """Return that the resident wants a door unlocked, which is not confirmed yet."""
    now = clock.now()
    return HomeCommand(
        community_id=home.community_id,
        home_id=home.id,
        entity_id=lock.id,
        resident_id=resident.id,
        given_by=resident.account_id,
        origin="person",
        command="unlock",
        risk="riskier",
        state="awaiting_confirmation",
        confirm_by=now + timedelta(minutes=1),
        valid_for=timedelta(seconds=30),
        expires_at=now + timedelta(minutes=1),
        look_at=now + timedelta(minutes=1),
    )


async def _automation(home: Home, lamp: HomeEntity) -> HomeAutomation:
    """Insert an automation that is on, and one of its decisions."""
    of_home: dict[str, Any] = {"home_id": home.id, "resident_id": home.resident_id}
    row = HomeAutomation(
        **of_home, community_id=home.community_id, name="Evening", definition=_definition(str(lamp.id))
    )
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        now = clock.now()
        session.add(HomeAutomationMemory(**of_home, id=row.id, memory={}))
        session.add(
            HomeAutomationRun(
                **of_home,
                community_id=home.community_id,
                automation_id=row.id,
                state="done",
                fired_at=now,
                definition_version=row.version,
                trigger={"kind": "time"},
                last_at=now,
            )
        )
    return row


def _command(entity_id: object, command: str) -> dict[str, Any]:
    return {"entity_id": str(entity_id), "command": command, "arguments": {}}


def _definition(entity_id: str) -> dict[str, Any]:
    return {
        "triggers": [{"kind": "time", "at": "20:00"}],
        "actions": [{"kind": "command", **_command(entity_id, "turn_on")}],
    }


def _automated(world: Any) -> dict[str, Any]:
    return {"name": "Morning", "definition": _definition(world.ids["home-entities"])}


def _scene(world: Any) -> dict[str, Any]:
    return {"name": "Evening", "commands": [_command(world.ids["home-entities"], "turn_on")]}


BODIES: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "createMyHome": lambda _: {"name": "Flat"},
    "createResidentHome": lambda _: {"name": "Flat"},
    "updateHome": lambda _: {"name": "Flat"},
    "updateHomeDevice": lambda _: {"given_name": "By the bed"},
    "updateHomeEntity": lambda _: {"given_name": "By the bed"},
    "createHomeRoom": lambda _: {"name": "Bedroom"},
    "updateHomeRoom": lambda _: {"name": "Bedroom"},
    "putHomeHub": lambda _: {"url": "https://8.8.8.8:8123", "token": "another-token-that-is-long"},
    "putHomePanel": lambda _: {"shows": ["sos", "fine"]},
    "setHomeCareRules": lambda _: {"off": ["heat"]},
    "giveHomeCommand": lambda _: {"command": "turn_on"},
    "createHomeScene": _scene,
    "setHomeScene": _scene,
    "createHomeAutomation": _automated,
    "setHomeAutomation": _automated,
    "tryHomeAutomation": lambda world: {"definition": _definition(world.ids["home-entities"])},
    "setHomeAutomationAgreement": lambda _: {"digests": []},
    "useHomeAutomationTemplate": lambda world: {"values": {"lights": [world.ids["home-entities"]]}},
}
