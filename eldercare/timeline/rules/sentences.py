"""What an item of a timeline says, in every language Hearthline speaks."""

from collections.abc import Mapping
from typing import Any, Final

from eldercare.alarms.rules.words import WORDS
from eldercare.timeline.rules.kinds import Kind

_SAID: Final[dict[str, dict[str, str]]] = {
    "en": {
        "check_in_answered": "Answered the check-in: all is well.",
        "check_in_answered.needs_help": "Answered the check-in: needs help.",
        "check_in_answered.late": "Answered the check-in late: all is well.",
        "check_in_answered.needs_help.late": "Answered the check-in late: needs help.",
        "check_in_answered.home": "Not asked: the home was as active as usual.",
        "check_in_missed": "Did not answer the check-in.",
        "check_in_missed.unasked": "Could not be asked: no way to reach them worked.",
        "pause_started.away": "Is away: nobody asks, reminds or comes.",
        "pause_started.hospital": "Is in hospital: nobody asks, reminds or comes.",
        "pause_ended": "Is back: care goes on.",
        "alarm_raised": "Alarm: {what}.",
        "alarm_raised.test": "A test of the alarm began.",
        "alarm_closed.resolved": "The alarm is over.",
        "alarm_closed.cancelled": "The alarm was taken back.",
        "alarm_closed.test": "The test of the alarm is over.",
        "dose_taken": "Took a dose of their medication.",
        "dose_taken.late": "Took a dose of their medication late.",
        "dose_skipped": "Did not take a dose of their medication.",
        "dose_missed": "A dose was not recorded: whether it was taken is not known.",
        "reading": "{what}: {value}.",
        "reading.low": "{what}: {value}, below the agreed limits.",
        "reading.high": "{what}: {value}, above the agreed limits.",
        "visit_started": "A carer came.",
        "visit_completed": "The visit is over.",
        "visit_missed": "Nobody came to a visit.",
        "goal_changed.proposed": "A goal was proposed.",
        "goal_changed.planned": "A goal was planned.",
        "goal_changed.accepted": "A goal was agreed.",
        "goal_changed.active": "A goal is worked at.",
        "goal_changed.on-hold": "A goal is on hold.",
        "goal_changed.completed": "A goal is completed.",
        "goal_changed.cancelled": "A goal was given up.",
        "goal_changed.entered-in-error": "A goal had been entered by mistake.",
        "goal_changed.rejected": "A goal was turned down.",
        "goal_judged.in-progress": "A goal was judged: in progress.",
        "goal_judged.improving": "A goal was judged: improving.",
        "goal_judged.worsening": "A goal was judged: worsening.",
        "goal_judged.no-change": "A goal was judged: no change.",
        "goal_judged.achieved": "A goal was judged: achieved.",
        "goal_judged.sustaining": "A goal was judged: achieved, and kept up.",
        "goal_judged.not-achieved": "A goal was judged: not achieved.",
        "goal_judged.no-progress": "A goal was judged: no progress.",
        "goal_judged.not-attainable": "A goal was judged: not attainable.",
        "circle_joined": "Somebody joined the care circle.",
        "circle_left": "Somebody left the care circle.",
        "wellbeing_flagged.mood": "Mood is lower than usual for them: a reason to ask.",
        "wellbeing_flagged.sleep": "Sleep is worse than usual for them: a reason to ask.",
        "wellbeing_flagged.activity": "Check-ins take them longer than usual: a reason to ask.",
        "wellbeing_flagged.adherence": "Fewer doses than usual are recorded as taken: a reason to ask.",
        "wellbeing_ended.as_usual": "A change in their days is over, or has become usual.",
        "wellbeing_ended.no_data": "A change in their days is not followed any more: nothing is known of them.",
        "wellbeing_ended.closed": "A change in their days is not followed any more.",
    },
    "zh-CN": {
        "check_in_answered": "已回应平安签到：一切安好。",
        "check_in_answered.needs_help": "已回应平安签到：需要帮助。",
        "check_in_answered.late": "较晚回应了平安签到：一切安好。",
        "check_in_answered.needs_help.late": "较晚回应了平安签到：需要帮助。",
        "check_in_answered.home": "未询问：家中活动如常。",
        "check_in_missed": "未回应平安签到。",
        "check_in_missed.unasked": "未能询问：所有联系方式均未成功。",
        "pause_started.away": "外出：暂停签到、提醒和上门服务。",
        "pause_started.hospital": "住院：暂停签到、提醒和上门服务。",
        "pause_ended": "已回来：照护恢复。",
        "alarm_raised": "警报：{what}。",
        "alarm_raised.test": "警报测试开始。",
        "alarm_closed.resolved": "警报已结束。",
        "alarm_closed.cancelled": "警报已撤回。",
        "alarm_closed.test": "警报测试结束。",
        "dose_taken": "服用了一次药。",
        "dose_taken.late": "较晚服用了一次药。",
        "dose_skipped": "有一次药未服用。",
        "dose_missed": "有一次用药未记录：是否服用不得而知。",
        "reading": "{what}：{value}。",
        "reading.low": "{what}：{value}，低于约定范围。",
        "reading.high": "{what}：{value}，高于约定范围。",
        "visit_started": "护理员已上门。",
        "visit_completed": "上门服务已结束。",
        "visit_missed": "有一次上门服务无人前来。",
        "goal_changed.proposed": "提出了一个照护目标。",
        "goal_changed.planned": "计划了一个照护目标。",
        "goal_changed.accepted": "商定了一个照护目标。",
        "goal_changed.active": "一个照护目标正在进行。",
        "goal_changed.on-hold": "一个照护目标已暂停。",
        "goal_changed.completed": "一个照护目标已完成。",
        "goal_changed.cancelled": "一个照护目标已取消。",
        "goal_changed.entered-in-error": "一个照护目标系误录。",
        "goal_changed.rejected": "一个照护目标未被采纳。",
        "goal_judged.in-progress": "照护目标评估：进行中。",
        "goal_judged.improving": "照护目标评估：有改善。",
        "goal_judged.worsening": "照护目标评估：有所恶化。",
        "goal_judged.no-change": "照护目标评估：无变化。",
        "goal_judged.achieved": "照护目标评估：已达成。",
        "goal_judged.sustaining": "照护目标评估：已达成并保持。",
        "goal_judged.not-achieved": "照护目标评估：未达成。",
        "goal_judged.no-progress": "照护目标评估：无进展。",
        "goal_judged.not-attainable": "照护目标评估：无法达成。",
        "circle_joined": "有人加入了关怀圈。",
        "circle_left": "有人离开了关怀圈。",
        "wellbeing_flagged.mood": "心情比平时低落：值得关心询问。",
        "wellbeing_flagged.sleep": "睡眠比平时差：值得关心询问。",
        "wellbeing_flagged.activity": "回应平安签到比平时慢：值得关心询问。",
        "wellbeing_flagged.adherence": "记录已服的药比平时少：值得关心询问。",
        "wellbeing_ended.as_usual": "日常状况的变化已结束，或已成为常态。",
        "wellbeing_ended.no_data": "日常状况的变化不再跟踪：近期没有任何记录。",
        "wellbeing_ended.closed": "日常状况的变化不再跟踪。",
    },
}

_SIGNS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "heart_rate": "Heart rate",
        "respiratory_rate": "Respiratory rate",
        "oxygen_saturation": "Oxygen saturation",
        "body_temperature": "Body temperature",
        "blood_pressure_systolic": "Systolic blood pressure",
        "blood_pressure_diastolic": "Diastolic blood pressure",
        "body_weight": "Weight",
        "body_height": "Height",
        "body_mass_index": "Body mass index",
        "blood_glucose": "Blood glucose",
        "consciousness": "Consciousness (ACVPU)",
        "supplemental_oxygen": "Supplemental oxygen",
    },
    "zh-CN": {
        "heart_rate": "心率",
        "respiratory_rate": "呼吸频率",
        "oxygen_saturation": "血氧饱和度",
        "body_temperature": "体温",
        "blood_pressure_systolic": "收缩压",
        "blood_pressure_diastolic": "舒张压",
        "body_weight": "体重",
        "body_height": "身高",
        "body_mass_index": "体重指数",
        "blood_glucose": "血糖",
        "consciousness": "意识水平（ACVPU）",
        "supplemental_oxygen": "吸氧流量",
    },
}
_UNITS: Final = {"mm[Hg]": "mmHg", "Cel": "°C", "kg/m2": "kg/m²", "{ACVPU}": ""}
"""UCUM units that people write otherwise."""
_TURN_OF: Final = {
    "goal_changed": "status",
    "goal_judged": "status",
    "wellbeing_flagged": "measure",
    "wellbeing_ended": "reason",
}
_BETWEEN: Final = {"en": "; ", "zh-CN": "；"}


def tell(language: str, kind: Kind, data: Mapping[str, Any]) -> str:
    """Return the sentence for an item of ``kind`` with what is known of it; ``language`` is one of ours."""
    said = _SAID[language][_key(kind, data)]
    if kind == "alarm_raised":
        kinds = dict.fromkeys([data["alarm"], *(data.get("signals") or ())])
        return said.format(what=_BETWEEN[language].join(alarm_name(language, kind) for kind in kinds))
    if kind == "reading":
        return said.format(what=sign_name(language, data["name"]), value=value_shown(data))
    return said


def alarm_name(language: str, alarm: str) -> str:
    """Return what a kind of alarm is called; one that has no words yet is named by its code rather than left out."""
    return WORDS[language].get(alarm, alarm)


def sign_name(language: str, name: str) -> str:
    """Return what a vital sign is called."""
    return _SIGNS[language].get(name, name)


def value_shown(data: Mapping[str, Any]) -> str:
    """Return the value of a reading with its unit, as people write it."""
    unit = _UNITS.get(data["unit"], data["unit"])
    return f"{data['value']} {unit}".rstrip()


def _key(kind: Kind, data: Mapping[str, Any]) -> str:  # noqa: PLR0911 - a kind each
    match kind:
        case "check_in_answered":
            if data.get("how") == "home":
                return f"{kind}.home"
            help_needed = ".needs_help" if data["answer"] == "needs_help" else ""
            return f"{kind}{help_needed}{'.late' if data['late'] else ''}"
        case "check_in_missed":
            return kind if data["was_asked"] else f"{kind}.unasked"
        case "pause_started":
            return f"{kind}.{data['pause']}"
        case "alarm_raised":
            return f"{kind}.test" if data["is_test"] else kind
        case "alarm_closed":
            return f"{kind}.test" if data["is_test"] else f"{kind}.{data['state']}"
        case "dose_taken":
            return f"{kind}.late" if data["late"] else kind
        case "reading":
            return f"{kind}.{data['side']}" if data["side"] else kind
        case "goal_changed" | "goal_judged" | "wellbeing_flagged" | "wellbeing_ended":
            return f"{kind}.{data[_TURN_OF[kind]]}"
        case _:
            return kind
