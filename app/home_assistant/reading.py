"""What an entity's topics say, message by message."""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from app.home_assistant.documents import MOST_STATE
from app.home_assistant.heard import Heard, heard
from app.home_assistant.readings import climate, lights, openings, sensing, settings
from app.home_assistant.shapes import ATTRIBUTES, AVAILABILITY, OFFLINE, ONLINE, NotUnderstood, Reported
from app.home_assistant.sources import Config, Source, Told, document, one_of, source
from app.home_assistant.templates import Allowance, Template, TemplateFailed, template
from app.home_assistant.wording import setting

_FAMILIES: Final[Mapping[str, Callable[[Config], list[Source]]]] = {
    "alarm_control_panel": settings.alarm_control_panel,
    "binary_sensor": sensing.binary_sensor,
    "climate": climate.climate,
    "cover": openings.cover,
    "device_automation": sensing.device_automation,
    "device_tracker": sensing.device_tracker,
    "event": sensing.event,
    "fan": climate.fan,
    "humidifier": climate.humidifier,
    "light": lights.light,
    "lock": openings.lock,
    "number": settings.number,
    "select": settings.select,
    "sensor": sensing.sensor,
    "siren": settings.siren,
    "switch": settings.switch,
    "tag": sensing.tag,
    "text": settings.text,
    "update": sensing.update,
    "vacuum": climate.vacuum,
    "valve": openings.valve,
    "water_heater": climate.water_heater,
}


class Reader:
    """Reads the messages of one entity.

    ``topics`` has each topic it listens to, with what is told there. ``why_not`` counts, by code, what could not be
    read; it holds one number per code and nothing of what came.
    """

    __slots__ = ("_encoding", "_sources", "topics", "why_not")

    topics: Mapping[str, frozenset[str]]
    why_not: Counter[str]

    def __init__(self, component: str, config: Mapping[str, Any], allowance: Allowance | None = None) -> None:
        made_ready = template if allowance is None else allowance.template
        sources = sources_of(component, config)
        roles: dict[str, frozenset[str]] = {}
        ready: dict[str, list[tuple[Template | str | None, Callable[[str], Told]]]] = {}
        for found in sources:
            roles[found.topic] = roles.get(found.topic, frozenset()) | found.roles
            compiled = None if found.template is None else made_ready(found.template)
            ready.setdefault(found.topic, []).append((compiled, found.read))
        self.topics = MappingProxyType(roles)
        self.why_not = Counter()
        self._sources = ready
        self._encoding = setting(config, "encoding", "utf-8")

    def read(self, topic: str, payload: bytes) -> tuple[Reported, ...]:
        """Return what a message says; nothing for what is not this entity's or makes no sense. Never raises."""
        sources = self._sources.get(topic)
        if sources is None:
            return ()
        if len(payload) > MOST_STATE:
            self.why_not["too_big"] += 1
            return ()
        message = heard(payload, self._encoding)
        if len(sources) == 1:
            return self._told(message, *sources[0])
        reported: tuple[Reported, ...] = ()
        for compiled, read in sources:
            reported += self._told(message, compiled, read)
        return reported

    def _told(self, message: Heard, compiled: Template | str | None, read: Callable[[str], Told]) -> Told:
        try:
            if compiled is None:
                return read(message.text)
            if not isinstance(compiled, str):
                return read(compiled.of(message))
            why_not = compiled
        except NotUnderstood as problem:
            why_not = problem.code
        except TemplateFailed as problem:
            why_not = str(problem)
        self.why_not[why_not] += 1
        return ()


def reader(component: str, config: Mapping[str, Any], allowance: Allowance | None = None) -> Reader:
    """Return what reads an entity's messages; one of a component that tells nothing has no topics.

    ``allowance`` is common to the entities of one home.
    """
    return Reader(component, config, allowance)


def topics_of(component: str, config: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    """Return an entity's topics, each with what is told there, without making ready to read them."""
    roles: dict[str, frozenset[str]] = {}
    for found in sources_of(component, config):
        roles[found.topic] = roles.get(found.topic, frozenset()) | found.roles
    return roles


def sources_of(component: str, config: Mapping[str, Any]) -> list[Source]:
    """Return everything an entity tells anywhere, its availability and further attributes included."""
    family = _FAMILIES.get(component)
    own = family(config) if family is not None else []
    attributes = source(config, "json_attributes_topic", ("json_attributes_template",), ATTRIBUTES, _attributes)
    return [*own, *attributes, *_availability(config)]


def _attributes(text: str) -> Told:
    return (Reported(ATTRIBUTES, None, None, document(text)),)


def _availability(config: Config) -> list[Source]:
    listed = config.get("availability")
    if isinstance(listed, list):
        each = [one for one in listed if isinstance(one, dict)]
        return [found for one in each for found in _one_availability(one, "topic", "value_template")]
    return _one_availability(config, "availability_topic", "availability_template")


def _one_availability(config: Config, topic: str, value_template: str) -> list[Source]:
    ours = {
        setting(config, "payload_available", ONLINE): ONLINE,
        setting(config, "payload_not_available", OFFLINE): OFFLINE,
    }
    return source(config, topic, (value_template,), AVAILABILITY, one_of(AVAILABILITY, ours))
