"""What an item of a timeline says, in every language Hearthline speaks."""

from collections.abc import Mapping
from typing import Any, Final

from eldercare.timeline.rules.kinds import Kind

_SAID: Final[dict[str, dict[str, str]]] = {
    "en": {
        "check_in_answered": "Answered the check-in: all is well.",
        "check_in_answered.needs_help": "Answered the check-in: needs help.",
        "check_in_answered.late": "Answered the check-in late: all is well.",
        "check_in_answered.needs_help.late": "Answered the check-in late: needs help.",
        "check_in_missed": "Did not answer the check-in.",
        "check_in_missed.unasked": "Could not be asked: no way to reach them worked.",
        "pause_started.away": "Is away: check-ins pause.",
        "pause_started.hospital": "Is in hospital: check-ins pause.",
        "pause_ended": "Is back: check-ins go on.",
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
        "circle_joined": "Somebody joined the care circle.",
        "circle_left": "Somebody left the care circle.",
    },
    "zh-CN": {
        "check_in_answered": "已回应平安签到：一切安好。",
        "check_in_answered.needs_help": "已回应平安签到：需要帮助。",
        "check_in_answered.late": "较晚回应了平安签到：一切安好。",
        "check_in_answered.needs_help.late": "较晚回应了平安签到：需要帮助。",
        "check_in_missed": "未回应平安签到。",
        "check_in_missed.unasked": "未能询问：所有联系方式均未成功。",
        "pause_started.away": "外出：平安签到暂停。",
        "pause_started.hospital": "住院：平安签到暂停。",
        "pause_ended": "已回来：平安签到恢复。",
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
        "circle_joined": "有人加入了关爱圈。",
        "circle_left": "有人离开了关爱圈。",
    },
}

_ALARMS: Final[dict[str, dict[str, str]]] = {
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
        "medication": "medication",
        "device_silent": "a device fell silent",
        "visit_missed": "nobody came to a visit",
        "position_unknown": "it is not known where they are",
        "visit_late": "a carer is late",
        "check_out_overdue": "a carer has not checked out",
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
        "medication": "用药",
        "device_silent": "设备失联",
        "visit_missed": "上门服务无人前来",
        "position_unknown": "位置不明",
        "visit_late": "护理员迟到",
        "check_out_overdue": "护理员未签退",
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
_CODED: Final = "{ACVPU}"


def tell(language: str, kind: Kind, data: Mapping[str, Any]) -> str:
    """Return the sentence for an item of ``kind`` with what is known of it; ``language`` is one of ours."""
    said = _SAID[language][_key(kind, data)]
    if kind == "alarm_raised":
        # A kind of alarm that has no words yet is named by its code rather than left out.
        return said.format(what=_ALARMS[language].get(data["alarm"], data["alarm"]))
    if kind == "reading":
        value = data["value"] if data["unit"] == _CODED else f"{data['value']} {data['unit']}"
        return said.format(what=_SIGNS[language].get(data["name"], data["name"]), value=value)
    return said


def _key(kind: Kind, data: Mapping[str, Any]) -> str:  # noqa: PLR0911 - a kind each
    match kind:
        case "check_in_answered":
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
        case _:
            return kind
