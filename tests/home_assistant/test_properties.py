"""Whatever comes, nothing breaks: payloads, announcements and templates nobody thought of."""

import json
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.home_assistant.abbreviations import KNOWN, SHORT_NAMES
from app.home_assistant.api import (
    DiscoveryTopic,
    NotPossible,
    NotUnderstood,
    arguments_schema,
    commands,
    publication,
    read_discovery,
    reader,
)
from app.home_assistant.discovery import COMPONENTS, WATCHING
from app.home_assistant.heard import Heard
from app.home_assistant.templates import Template, TemplateFailed, template
from tests.home_assistant.sampling import NAMES, entities

SAMPLED = [entity for name in NAMES for entity in entities(name).values()]
TOPICS = sorted({topic for entity in SAMPLED for topic in reader(entity.component, entity.config).topics})

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["ON", "OFF", "None", "online", "{{ value_json.x }}", "{{ value | float }}", "1e400", "a/b", "~"]),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.sampled_from(["state", "position", "x", "event_type", "color"]), st.text(max_size=6)),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)
payloads = st.one_of(
    st.binary(max_size=60),
    documents.map(lambda found: json.dumps(found).encode()),
    scalars.map(lambda found: str(found).encode(errors="replace")),
)
configs = st.dictionaries(
    st.sampled_from(sorted({*SHORT_NAMES, *KNOWN, "~", "dev", "cmps", "schema"})), documents, max_size=14
)
components = st.sampled_from(sorted({*COMPONENTS, *WATCHING, "device", "nonsense"}))


@given(st.sampled_from(SAMPLED), st.sampled_from(TOPICS), payloads)
def test_no_payload_breaks_a_reader(entity: Any, topic: str, payload: bytes) -> None:
    for told in reader(entity.component, entity.config).read(topic, payload):
        assert told.value is None or len(told.value) <= 255
        assert "\x00" not in json.dumps([told.value, told.attributes])


@given(components, configs, payloads, st.booleans())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_announcement_breaks_anything(component: str, config: dict[str, Any], payload: bytes, topical: bool) -> None:
    if topical:
        config = {key: "x/y" if key.endswith(("_t", "topic")) else value for key, value in config.items()}
    try:
        found = read_discovery(DiscoveryTopic(component, None, "x"), json.dumps(config).encode())
    except NotUnderstood:
        return
    for entity in found.entities:
        assert json.loads(json.dumps(entity.config)) == entity.config
        one = reader(entity.component, entity.config)
        for topic in one.topics:
            one.read(topic, payload)
        for command in commands(entity.component, entity.config):
            arguments_schema(entity.component, command, entity.config)
            try:
                publication(entity.component, entity.config, command, {})
            except NotPossible:
                continue


@given(components, st.binary(max_size=200))
def test_no_bytes_break_an_announcement(component: str, payload: bytes) -> None:
    try:
        read_discovery(DiscoveryTopic(component, "n", "x"), payload)
    except NotUnderstood as told:
        assert told.code  # noqa: PT017 - either is right


WORDS = "value value_json .x ['x'] float int round default replace regex_replace to_json from_json join format max abs"
SIGNS = "( ) [ ] { } {{ }} {% %} | = + - * ** / % ~ , : 'a' 9 2 set a if else endif for in not and is defined list"
PIECES = [*WORDS.split(" "), *SIGNS.split(" ")]
pieces = st.sampled_from(PIECES)


@given(st.lists(pieces, min_size=1, max_size=25), payloads)
@settings(max_examples=400, deadline=None)
def test_no_template_breaks_or_takes_long(parts: list[str], payload: bytes) -> None:
    started = time.monotonic()
    for source in (" ".join(parts), "{{ " + " ".join(parts) + " }}"):
        found = template(source)
        if isinstance(found, Template):
            try:
                assert len(found.of(Heard(payload))) <= 32_768
            except (TemplateFailed, NotUnderstood):
                continue
    assert time.monotonic() - started < 5
