"""Why a stop is when it is, and why a wish is left out: a sentence each, in every language of ours."""

from typing import Final

from community.itineraries.rules.asked import Code, Why

WHY: Final[dict[str, dict[Why, str]]] = {
    "en": {
        "booked": "Booked: it stays at {enters}.",
        "only_time": "{enters} is the only time with room.",
        "quiet": "It is quiet there at {enters}.",
        "earliest": "{enters} is the earliest one can go in that day after the way there.",
        "on_arrival": "You are there at {arrives} and can go in at once.",
        "next_time": "You are there at {arrives}; {enters} is the next time with room.",
        "for_the_rest": "At {enters} it goes best with the rest of the day: the least time out and on the way.",
    },
    "zh-CN": {
        "booked": "已预订：时间保持在 {enters}。",
        "only_time": "只有 {enters} 还有余位。",
        "quiet": "{enters} 那里比较安静。",
        "earliest": "算上路程，{enters} 是当天最早的入场时间。",
        "on_arrival": "您 {arrives} 到达，随即可以入场。",
        "next_time": "您 {arrives} 到达，下一个有余位的时间是 {enters}。",
        "for_the_rest": "安排在 {enters} 与当天其他行程最为合适：在外和路上的时间最短。",
    },
}
LEFT_OUT: Final[dict[str, dict[Code, str]]] = {
    "en": {
        "not_step_free": "It cannot be reached without steps.",
        "closed": "It is not open, or has no times for visitors, on these days.",
        "sold_out": "No time on these days has room for all of you.",
        "budget_alone": "It alone costs more than the budget.",
        "no_rest": "One cannot rest there as often as needed.",
        "medication": "It leaves no moment to sit down and take the medication in time.",
        "too_long": "The way there and the visit do not fit into one of these days.",
        "budget": "Together with the other stops it costs more than the budget.",
        "no_time": "Beside the other stops there is no time left for it.",
    },
    "zh-CN": {
        "not_step_free": "无法无障碍到达。",
        "closed": "这些日期不开放，或没有可参观的场次。",
        "sold_out": "这些日期没有足够全部同行人的余位。",
        "budget_alone": "仅此一项就超出预算。",
        "no_rest": "在那里无法按所需的频率休息。",
        "medication": "参观期间无法按时坐下服药。",
        "too_long": "路程加参观时间，这些日期中任何一天都安排不下。",
        "budget": "与其他行程一起会超出预算。",
        "no_time": "安排其他行程后已没有时间。",
    },
}


def why(code: Why, *, arrives: str, enters: str) -> dict[str, str]:
    """Return why a stop is when it is, by language; times are as the wall there shows them."""
    return {language: words[code].format(arrives=arrives, enters=enters) for language, words in WHY.items()}


def why_not(code: Code) -> dict[str, str]:
    """Return why a wish is left out, by language."""
    return {language: words[code] for language, words in LEFT_OUT.items()}
