"""A plan as a drawing: who comes where, as whom, and how large it is."""

import re
from xml.etree import ElementTree as ET

import pytest

from app.dispatch.api import Place, Plan, distance, drawn, plan
from tests.dispatch.days import HERE, HOUR, ident, job, worker

SVG = "{http://www.w3.org/2000/svg}"
EAST = Place(31.2304, 121.5737)
SOUTH = Place(31.1404, 121.4737)


def read(text: str) -> ET.Element:
    return ET.fromstring(text)


def texts(root: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]


def test_everybody_has_a_line_through_their_homes_and_a_name() -> None:
    jobs = [job(1, 9, place=EAST), job(2, 11, place=SOUTH), job(3, 9, place=SOUTH)]
    people = [worker(11, start=HERE), worker(12, start=HERE, end=HERE), worker(13)]
    names = {ident(11): "Chen & Co.", ident(12): "王芳", ident(13): "nobody's name"}
    found = plan(jobs, people)
    text = drawn(found, jobs, people, names)
    root = read(text)
    assert text == drawn(found, jobs[::-1], people[::-1], names)
    going = {one for assignment in found.assignments for one in assignment.workers}
    lines = [one for one in root.iter(f"{SVG}polyline") if one.get("class") == "way"]
    assert len(lines) == len(going) == 2
    places = 3 + len(going) + (ident(12) in going)  # the jobs', and where they start and end
    assert sum(len((one.get("points") or "").split()) for one in lines) == places
    assert [one for one in texts(root) if "Chen" in one or "王芳" in one] == sorted(
        one for one in texts(root) if "Chen" in one or "王芳" in one
    )
    assert "nobody's name" not in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|@font-face", text)


def test_north_is_up_and_the_bar_is_as_long_as_it_says() -> None:
    jobs = [job(1, 9, place=EAST), job(2, 12, place=SOUTH)]
    people = [worker(11, start=HERE)]
    root = read(drawn(plan(jobs, people), jobs, people, {ident(11): "A"}))
    (line,) = (one for one in root.iter(f"{SVG}polyline") if one.get("class") == "way")
    here, east, south = (tuple(map(float, one.split(","))) for one in (line.get("points") or "").split())
    assert here[0] == south[0] < east[0]
    assert here[1] == east[1] < south[1]
    (bar,) = (one for one in root.iter(f"{SVG}path") if one.get("class") == "bar")
    length = float((re.search(r"h([\d.]+)", bar.get("d") or "") or [0, 0])[1])
    (named,) = (one for one in texts(root) if one.endswith(" km"))
    metre = length / (float(named.removesuffix(" km")) * 1000)
    assert (east[0] - here[0]) / distance(HERE, EAST) == pytest.approx(metre, rel=0.01)
    assert (south[1] - here[1]) / distance(HERE, SOUTH) == pytest.approx(metre, rel=0.01)


def test_where_nobody_comes_is_drawn_and_counted() -> None:
    jobs = [job(1, 9), job(2, 9, place=EAST), job(3, 9, place=None)]
    root = read(drawn(plan(jobs, []), jobs, [], {}, nobody="open"))
    dots = [one for one in root.iter(f"{SVG}circle") if one.get("class") == "nobody"]
    assert len(dots) == 3  # two homes and the one of the legend
    assert "open 3" in texts(root)


def test_who_comes_to_one_home_stands_around_it() -> None:
    jobs = [job(number, 8 + number, slack=HOUR) for number in range(1, 5)]
    people = [worker(11)]
    root = read(drawn(plan(jobs, people), jobs, people, {ident(11): "A"}))
    dots = {(one.get("cx"), one.get("cy")) for one in root.iter(f"{SVG}circle")}
    assert len(dots) == 4
    assert [one for one in texts(root) if one.isdigit()] == ["1", "2", "3", "4"]


def test_nothing_at_all_can_be_drawn() -> None:
    assert read(drawn(Plan(()), [], [], {})).tag == f"{SVG}svg"
