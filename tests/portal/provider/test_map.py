"""The sketch of a company's day: every order has a mark of its own, also where several are in one house."""

import re

from app.portal.provider.map import Route, Spot, day_map


def test_orders_of_one_house_do_not_cover_each_other() -> None:
    house = [Spot(str(number), 31.2, 121.4, "home") for number in range(1, 5)]
    drawn = day_map("Where", "A sketch", [Route("Ann", [*house, Spot("5", 31.25, 121.4, "home")])], [])
    marks = set(re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', str(drawn)))
    assert len(marks) == 5
    ends = re.findall(r'<line x1="([\d.]+)" y1="([\d.]+)"', str(drawn))
    assert set(ends) <= marks


def test_nothing_is_drawn_of_a_day_at_no_known_place() -> None:
    assert day_map("Where", "A sketch", [], []) is None
