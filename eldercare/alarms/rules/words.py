"""What alarms are called in every language Hearthline speaks, and the sentence that explains one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "sos": "called for help",
        "check_in_missed": "a check-in was not answered",
        "check_in_unreachable": "could not be reached for a check-in",
        "check_in_help": "asked for help in a check-in",
        "concern": "somebody is worried",
        "fall": "a fall",
        "inactivity": "no movement",
        "smoke": "smoke",
        "water": "water",
        "intrusion": "somebody broke in",
        "wandering": "left a safe place",
        "vital_sign": "a measurement outside its limits",
        "medication": "a dose was not recorded",
        "device_silent": "a device fell silent",
        "visit_missed": "nobody came to a visit",
        "position_unknown": "it is not known where they are",
        "low_activity": "less active than usual",
        "visit_late": "a carer is late",
        "check_out_overdue": "a carer has not checked out",
        "found_unwell": "whoever came to help found them unwell",
        "no_answer_at_door": "nobody answered the door",
        "missing_on_trip": "missing on a trip",
        "gas": "gas",
        "carbon_monoxide": "carbon monoxide",
        "bathroom_stay": "in the bathroom for unusually long",
        "stove": "a stove left on unattended",
        "cold": "dangerously cold at home",
        "heat": "dangerously hot at home",
        "bed_exit": "out of bed in the night and not back",
        "door_at_night": "the door is open at night",
    },
    "zh-CN": {
        "sos": "本人求助",
        "check_in_missed": "未回应平安签到",
        "check_in_unreachable": "平安签到无法联系到本人",
        "check_in_help": "在平安签到中求助",
        "concern": "有人担心",
        "fall": "跌倒",
        "inactivity": "长时间无活动",
        "smoke": "烟雾",
        "water": "漏水",
        "intrusion": "有人闯入",
        "wandering": "离开了安全区域",
        "vital_sign": "测量值超出范围",
        "medication": "有一次用药未记录",
        "device_silent": "设备失联",
        "visit_missed": "上门服务无人前来",
        "position_unknown": "位置不明",
        "low_activity": "活动比平时少",
        "visit_late": "护理员迟到",
        "check_out_overdue": "护理员未签退",
        "found_unwell": "上门人员发现其身体不适",
        "no_answer_at_door": "敲门无人应答",
        "missing_on_trip": "在集体出游中走失或未到",
        "gas": "燃气",
        "carbon_monoxide": "一氧化碳",
        "bathroom_stay": "在卫生间停留过久",
        "stove": "炉灶无人看管",
        "cold": "家中过冷",
        "heat": "家中过热",
        "bed_exit": "夜间离床未归",
        "door_at_night": "夜间房门未关",
    },
}
"""What each kind of signal says has happened, in every language Hearthline speaks."""

RULE_WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "en": {
        "check_in_plan": ("check-in plan", "{count} check-in plans"),
        "regimen": ("medication plan", "{count} medication plans"),
        "vital_threshold": ("limit of a measurement", "{count} limits of measurements"),
        "safe_zone": ("safe zone", "{count} safe zones"),
        "visit_template": ("visit plan", "{count} visit plans"),
        "care_plan": ("care plan", "{count} care plans"),
        "wellbeing_watch": ("daily look at well-being", "{count} daily looks at well-being"),
    },
    "zh-CN": {
        "check_in_plan": ("签到计划", "{count} 个签到计划"),
        "regimen": ("用药方案", "{count} 个用药方案"),
        "vital_threshold": ("测量限值", "{count} 个测量限值"),
        "safe_zone": ("安全区域", "{count} 个安全区域"),
        "visit_template": ("上门服务安排", "{count} 个上门服务安排"),
        "care_plan": ("照护计划", "{count} 个照护计划"),
        "wellbeing_watch": ("日常状态观察", "{count} 项日常状态观察"),
    },
}
"""What each kind of rule is called, one of it and several: what somebody agreed that calls for help."""


class Cause(NamedTuple):
    """A signal behind an alarm as an explanation names it: what it says has happened, and by which rule it came."""

    kind: str
    rule_kind: str | None = None
    rule_id: str | None = None


_EXPLAINED: Final = {
    "en": {
        "several": "{count} signals: {what}.",
        "one": "{what}.",
        "more": "{what} ({more})",
        "times": "{count} times",
        "rules": "{rules}",
        "also": "; ",
        "and": ", ",
        "between": "; ",
    },
    "zh-CN": {
        "several": "{count} 个信号：{what}。",
        "one": "{what}。",
        "more": "{what}（{more}）",
        "times": "{count} 次",
        "rules": "依据：{rules}",
        "also": "；",
        "and": "、",
        "between": "；",
    },
}


def explain(language: str, causes: Iterable[Cause]) -> str:
    """Return the sentence that names every signal behind an alarm and its rules, in the order they came.

    For one of our languages. A kind that has no words yet is named by its code rather than left out.
    """
    by_kind: dict[str, list[Cause]] = {}
    for cause in causes:
        by_kind.setdefault(cause.kind, []).append(cause)
    say, count = _EXPLAINED[language], sum(map(len, by_kind.values()))
    what = say["between"].join(_named(language, kind, of_kind) for kind, of_kind in by_kind.items())
    if len(by_kind) == 1:
        return say["one"].format(what=what[:1].upper() + what[1:])
    return say["several"].format(count=count, what=what)


def _named(language: str, kind: str, causes: Sequence[Cause]) -> str:
    say, what = _EXPLAINED[language], WORDS[language].get(kind, kind)
    # Five missed doses of one regimen came by one rule.
    rules = Counter(rule_kind for rule_kind, _ in dict.fromkeys((one.rule_kind, one.rule_id) for one in causes))
    called = [_rules(language, rule_kind, count) for rule_kind, count in rules.items() if rule_kind is not None]
    more = [
        *([say["times"].format(count=len(causes))] if len(causes) > 1 else []),
        *([say["rules"].format(rules=say["and"].join(called))] if called else []),
    ]
    return say["more"].format(what=what, more=say["also"].join(more)) if more else what


def _rules(language: str, kind: str, count: int) -> str:
    one, several = RULE_WORDS[language].get(kind, (kind, f"{{count}} {kind}"))
    return one if count == 1 else several.format(count=count)
