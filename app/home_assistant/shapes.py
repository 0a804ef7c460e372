"""What is read from and written to a home in Home Assistant's format: plain data, no tables, clocks or network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

STATE: Final = "state"
AVAILABILITY: Final = "availability"
ATTRIBUTES: Final = "attributes"
"""The roles a topic can have besides the name of one attribute, such as ``brightness``."""

ONLINE: Final = "online"
OFFLINE: Final = "offline"
"""What ``Reported.value`` is for availability, whatever the device's own words for it are."""

MOST_TEXT: Final = 255
"""The longest state Home Assistant itself keeps."""


class NotUnderstood(Exception):  # noqa: N818 - says what happened
    """A configuration that cannot be taken; ``code`` says why, ``component`` of what kind it is if that is known."""

    def __init__(self, code: str, component: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.component = component


class NotPossible(Exception):  # noqa: N818 - says what happened
    """A command that an entity cannot be given so; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class DiscoveryTopic:
    """A topic at which something is announced: ``<prefix>/<component>/[<node_id>/]<object_id>/config``."""

    component: str
    node_id: str | None
    object_id: str

    @property
    def identity(self) -> str:
        """What Home Assistant knows the announcement by, within its component."""
        return self.object_id if self.node_id is None else f"{self.node_id} {self.object_id}"


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """The thing that entities belong to; ``connections`` read like ``mac:aa:bb:cc:dd:ee:ff``."""

    identifiers: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    hw_version: str | None = None
    sw_version: str | None = None
    serial_number: str | None = None
    suggested_area: str | None = None
    via_device: str | None = None


@dataclass(frozen=True, slots=True)
class EntityConfig:
    """One thing a device senses or does.

    ``object_id`` tells it apart within the topic it was announced at. ``key`` is what it stays known by within its home
    and component, whatever becomes of its topics and names. ``category`` is ``config``, ``diagnostic`` or nothing;
    ``expire_after`` seconds after its last word it is not to be relied on. ``config`` has whole names and whole topics
    and goes through JSON unharmed.
    """

    component: str
    object_id: str
    unique_id: str | None
    key: str
    name: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    unit: str | None = None
    category: str | None = None
    expire_after: float | None = None
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """One component of a device that was not taken, and why; the others were."""

    component: str
    object_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """What an announcement says.

    ``is_removal``: what was announced at this topic is gone, all of it. ``migrates``: it is about to be announced
    elsewhere, and its entities are to be kept until then. ``removed`` names the ``object_id`` of each entity of the
    device that is gone; the device's entities that are not named at all stay as they are.
    """

    is_removal: bool = False
    migrates: bool = False
    device: DeviceConfig | None = None
    origin: str | None = None
    entities: tuple[EntityConfig, ...] = ()
    removed: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """What one message says of one entity.

    ``role`` is ``state``, ``availability``, ``attributes`` or the name of one attribute. ``value`` is in our words
    (``on``, ``locked``, ``online``), nothing where the device says it does not know. ``number`` goes with it where the
    value is one. ``is_event``: it happened (a press, a trigger), and says so again each time, even with the same value.
    """

    role: str
    value: str | None
    number: float | None = None
    attributes: dict[str, Any] | None = None
    is_event: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be published for a command, at a topic without the home's prefix, and what right ``then``, after it.

    ``expected`` says per role what the entity will report when it has done so; empty where it never reports.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    expected: Mapping[str, str] = field(default_factory=dict)
    then: tuple["Publication", ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Our own device in a home: what to announce, where, and which topics are its buttons and its states.

    All topics are without the home's prefix. ``presses`` leads from a topic to the button's name, ``states`` from a
    state's name to its topic.
    """

    topic: str
    payload: bytes
    presses: Mapping[str, str]
    states: Mapping[str, str]
    availability: str


@dataclass(frozen=True, slots=True)
class HubMessage:
    """What a device would have published: a topic without the home's prefix, and a payload."""

    topic: str
    payload: bytes
