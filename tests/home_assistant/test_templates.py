"""Templates of devices' makers: what they give, and that none of them holds us up."""

import json
import time
from typing import Any

import pytest

from app.home_assistant.heard import Heard
from app.home_assistant.shapes import NotUnderstood
from app.home_assistant.templates import Template, TemplateFailed, template

DOCUMENT: dict[str, Any] = {
    "a": 21.5,
    "t": True,
    "s": "x",
    "n": None,
    "l": [1, 2],
    "d": {"e": 5, "items": 7},
    "when": "2026-03-01T10:00:00Z",
}
PAYLOAD = json.dumps(DOCUMENT).encode()


def made(source: str, payload: bytes = PAYLOAD) -> str:
    found = template(source)
    assert isinstance(found, Template), found
    return found.of(Heard(payload))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ value }}", PAYLOAD.decode()),
        ("{{ value_json.a }}", "21.5"),
        ("{{value_json['d'][\"e\"]}}", "5"),
        ("{{ value_json.d['items'] }}", "7"),
        ("{{ value_json.t }}", "True"),
        ("{{ value_json.n }}", "None"),
        ("{{ value_json.missing }}", ""),
        ("{{ value_json.a | float | round(0) }}", "22"),
        ("{{ value_json.a | int }}", "21"),
        ("{{ value_json.missing | default(3) }}", "3"),
        ("{{ value_json.missing | float(0) }}", "0"),
        ("{{ value_json.a | round(1) ~ ' ' ~ value_json.s }}", "21.5 x"),
        ("{{ 'ON' if value_json.t else 'OFF' }}", "ON"),
        ("{{ iif(value_json.t, 'ON', 'OFF') }}", "ON"),
        ("{% if value_json.a > 20 %}warm{% else %}cold{% endif %}", "warm"),
        ("{% set names = {None: None, 'x': 'heat'} %}{{ names[value_json.s] }}", "heat"),
        ("{{ value_json.s in ['x', 'y'] }}", "True"),
        ("{{ value_json.l | max }},{{ min(3, 2) }}", "2,2"),
        ("{{ value_json.a | multiply(2) | add(1) }}", "44.0"),
        ("{{ '%.2f' | format(value_json.a) }}", "21.50"),
        ("{{ value_json.s | upper | replace('X', 'Y') }}", "Y"),
        ("{{ value_json.s | regex_replace('^x', 'z') }}", "z"),
        ("{{ 'a1b' | regex_match('[a-z][0-9]') }}", "True"),
        ("{{ {'b': value_json.a} | tojson }}", '{"b":21.5}'),
        ("{{ (value | from_json).a }}", "21.5"),
        ("{{ as_timestamp(value_json.when) | timestamp_utc }}", "2026-03-01T10:00:00+00:00"),
        ("{{ 0 | timestamp_custom('%Y-%m') }}", "1970-01"),
        ("{{ value_json.d.get('x', 'null') }}", "null"),
        ("{{ 'yes' | bool }}", "True"),
        ("{{ value_json.a is defined and value_json.q is not defined }}", "True"),
        ("{{ -7 | abs }}", "7"),
        ("{{ 2 ** 10 }}", "1024"),
    ],
)
def test_a_template_gives_what_home_assistant_makes_of_it(source: str, expected: str) -> None:
    assert made(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ value_json.missing.deeper }}",
        "{{ value_json.s | float }}",
        "{{ value_json.missing | is_defined }}",
        "{{ value_json.a // 0 }}",
        "{{ value_json.l[7] + 1 }}",
    ],
)
def test_a_template_that_makes_nothing_of_it_says_so(source: str) -> None:
    with pytest.raises(TemplateFailed):
        made(source)


def test_what_is_not_json_leaves_the_text() -> None:
    assert made("{{ value_json.a if value_json is defined else value }}", b"plain") == "plain"
    with pytest.raises(NotUnderstood, match="not_text"):
        made("{{ value }}", b"\xff\xfe")


REFUSED = [
    "{% for one in value_json %}x{% endfor %}",
    "{% for one in range(1000000000) %}x{% endfor %}",
    "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    "{% include 'secrets.yaml' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x %}{{ value }}{{ value }}{% endset %}",
    "{% set x = [1] %}{% set x = [x, x] %}{{ x }}",
    "{% set x, y = 1, 2 %}",
    "{% set ns = namespace(x=1) %}{% set ns.x = 2 %}",
    "{{ range(10) }}",
    "{{ lipsum(n=100000) }}",
    "{{ now() }}",
    "{{ states('lock.front_door') }}",
    "{{ self }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ value.__class__ }}",
    "{{ value_json | attr('__class__') }}",
    "{{ value.format(value_json) }}",
    "{{ value.join(value_json) }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ 'x'.zfill(1000000000) }}",
    "{{ value_json.update({'x': 1}) }}",
    "{{ min(*value_json.l) }}",
    "{{ (value_json.a)() }}",
    "{{ value | map('upper') | list }}",
    "{{ " + "(" * 2_000 + "1" + ")" * 2_000 + " }}",
    "{{ " + "not " * 1_000 + "1 }}",
    "{{ " + "-" * 4_000 + "1 }}",
    "{{ 1" + "+1" * 1_500 + " }}",
    "{{ value" + "|lower" * 500 + " }}",
    "{{ " + "9" * 4_000 + " }}",
    "{{ value }}" + " " * 5_000,
    "{{",
    "{% unheard_of %}",
    "{{ value | no_such_filter }}",
]


@pytest.mark.parametrize("source", REFUSED, ids=range(len(REFUSED)))
def test_a_template_that_could_grow_or_reach_out_is_not_even_compiled(source: str) -> None:
    assert isinstance(template(source), str)


BOMBS = [
    "{{ 'x' * 1000000000 }}",
    "{{ 1000000000 * 'x' }}",
    "{{ value_json.l * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 2 ** 64 ** 64 }}",
    "{{ ((((2 ** 60) ** 60) ** 60) ** 60) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ 0 | timestamp_custom('%1000000000d') }}",
    "{{ (value ~ value) | replace('', value) }}",
    "{{ ('a' ~ value).replace('a', value ~ value ~ value) }}",
    "{% set a = value ~ value %}"
    + "{% set a = a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a ~ a %}" * 7
    + "{{ a }}",
    "{{ '\"'" + " | to_json" * 30 + " }}",
    "{{ value | regex_replace('(a+)+$', '') }}",
    "{{ value | regex_search('(?=a)a*') }}",
    "{{ value | regex_match('a*a*a*a*a*b') }}",
    "{{ value | regex_match('(a|a)*b') }}",
    "{{ value | regex_match('[') }}",
    "{{ 1 | round(1000000000000) ~ value * 2 }}",
    "{{ 1e308 ** 60 }}",
]


@pytest.mark.parametrize("source", BOMBS, ids=range(len(BOMBS)))
def test_a_template_bomb_goes_off_harmlessly(source: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateFailed):
        made(source, json.dumps({"l": [1], "long": "a" * 12_000}).encode())
    assert time.monotonic() - started < 5  # a bomb would take years: this is no measurement


def test_the_worst_pattern_that_is_let_in_ends() -> None:
    started = time.monotonic()
    assert made("{{ value | regex_search('.*a.*b') }}", b"a" * 256) == "False"
    assert time.monotonic() - started < 5


def test_a_template_cannot_change_what_other_entities_read() -> None:
    message = Heard(PAYLOAD)
    changing = template("{% set value_json = 1 %}{{ value_json }}")
    reading = template("{{ value_json.a | string }}")
    assert isinstance(changing, Template)
    assert isinstance(reading, Template)
    assert changing.of(message) == "1"
    assert reading.of(message) == "21.5"
