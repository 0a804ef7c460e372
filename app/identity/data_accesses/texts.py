"""What an entry of the audit trail says to the resident it is about, in every language Hearthline speaks."""

from typing import Final

_THINGS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "adherence": "the medicines you take",
        "agreement": "which organizations help you",
        "alarm": "an alarm of yours",
        "care_plan": "your care plan",
        "care_plans": "your care plan",
        "changes": "what was new about you",
        "check_in": "your check-ins",
        "check_in_pause": "a pause of your check-ins",
        "check_in_pauses": "a pause of your check-ins",
        "check_in_plan": "your check-in plan",
        "check_in_plans": "your check-in plan",
        "check_ins": "your check-ins",
        "circle": "your care circle",
        "circle_message": "the messages of your care circle",
        "contact_point": "how you are reached",
        "contact_points": "how you are reached",
        "data_access": "who looked at your data",
        "device_credential": "a phone of yours",
        "door_tag": "the tag at your door",
        "door_tags": "the tag at your door",
        "dose": "the medicines you take",
        "doses": "the medicines you take",
        "drill": "an exercise about you",
        "early_warning_score": "your measurements",
        "escalation_plan": "who is called when you need help",
        "export": "everything that is held about you",
        "grant": "who may see your data",
        "grants": "who may see your data",
        "location": "where you are",
        "meal_times": "when you eat",
        "medication_stock": "your stock of medicines",
        "notice": "what somebody was told about you",
        "oxygen_scale": "how your measurements are judged",
        "pairing": "a phone of yours",
        "person": "all that is held about you",
        "positions": "where you were",
        "profile": "your profile",
        "proxy": "who acts for you",
        "regimen": "your medication plan",
        "regimens": "your medication plan",
        "resident": "your residence",
        "residents": "your profile",
        "responsible_clinician": "which clinician is responsible for you",
        "rota": "who of your care circle is on call",
        "rota_absence": "who of your care circle is on call",
        "rota_swap": "who of your care circle is on call",
        "safe_zone": "a safe zone of yours",
        "safe_zones": "your safe zones",
        "timeline": "what happened with you",
        "upload": "a file about you",
        "visit": "a care visit to you",
        "visit_template": "when carers come to you",
        "visit_templates": "when carers come to you",
        "visits": "the care visits to you",
        "vital_threshold": "how your measurements are judged",
        "vitals": "your measurements",
        "wellbeing": "how your days compare with your usual ones",
    },
    "zh-CN": {
        "adherence": "您的服药情况",
        "agreement": "为您服务的机构",
        "alarm": "您的警报",
        "care_plan": "您的护理计划",
        "care_plans": "您的护理计划",
        "changes": "关于您的最新情况",
        "check_in": "您的平安签到",
        "check_in_pause": "您的签到暂停",
        "check_in_pauses": "您的签到暂停",
        "check_in_plan": "您的签到计划",
        "check_in_plans": "您的签到计划",
        "check_ins": "您的平安签到",
        "circle": "您的关爱圈",
        "circle_message": "您关爱圈里的消息",
        "contact_point": "您的联系方式",
        "contact_points": "您的联系方式",
        "data_access": "谁查看过您的数据",
        "device_credential": "您的一部手机",
        "door_tag": "您门口的标签",
        "door_tags": "您门口的标签",
        "dose": "您的服药情况",
        "doses": "您的服药情况",
        "drill": "关于您的演练",
        "early_warning_score": "您的测量数据",
        "escalation_plan": "您需要帮助时的呼叫顺序",
        "export": "关于您的全部数据",
        "grant": "谁可以查看您的数据",
        "grants": "谁可以查看您的数据",
        "location": "您所在的位置",
        "meal_times": "您的用餐时间",
        "medication_stock": "您的药品库存",
        "notice": "有关您的通知",
        "oxygen_scale": "您测量数据的评判标准",
        "pairing": "您的一部手机",
        "person": "关于您的全部数据",
        "positions": "您到过的位置",
        "profile": "您的资料",
        "proxy": "您的代理人",
        "regimen": "您的用药计划",
        "regimens": "您的用药计划",
        "resident": "您的居住登记",
        "residents": "您的资料",
        "responsible_clinician": "您的负责医生",
        "rota": "您关爱圈的值班表",
        "rota_absence": "您关爱圈的值班表",
        "rota_swap": "您关爱圈的值班表",
        "safe_zone": "您的一个安全区域",
        "safe_zones": "您的安全区域",
        "timeline": "您的动态",
        "upload": "关于您的文件",
        "visit": "对您的一次上门护理",
        "visit_template": "护理员何时上门",
        "visit_templates": "护理员何时上门",
        "visits": "对您的上门护理",
        "vital_threshold": "您测量数据的评判标准",
        "vitals": "您的测量数据",
        "wellbeing": "您的日常状况与平时的比较",
    },
}
_ANYTHING: Final = {"en": "something about you", "zh-CN": "与您有关的内容"}
_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "en": {"read": "{who} looked at {what}.", "changed": "{who} did something with {what}."},
    "zh-CN": {"read": "{who}查看了{what}。", "changed": "{who}操作了{what}。"},
}
_SOMEBODY: Final[dict[str, dict[str, str]]] = {
    "en": {"system": "Hearthline itself", "client": "A system", "device": "A device", "account": "Somebody"},
    "zh-CN": {"system": "Hearthline 系统", "client": "某系统", "device": "某设备", "account": "某人"},
}
READING: Final = frozenset(
    {
        "read",
        "list",
        "list_day",
        "day",
        "queue",
        "desk_queue",
        "latest",
        "series",
        "trend",
        "response_times",
        "route_plan",
        "false_alarms",
        "list_flags",
    }
)
"""The verbs of actions that only looked at something."""


def is_reading(action: str) -> bool:
    """Say whether an action of the trail (``thing:verb``) only looked at something."""
    return action.rpartition(":")[2] in READING


def tell(language: str, action: str, actor_kind: str, name: str | None) -> str:
    """Return one sentence that says who did what; ``language`` is one of ours.

    What a feature does with things that have no words here is told in general words, never left out.
    """
    what = _THINGS[language].get(action.partition(":")[0], _ANYTHING[language])
    who = name or _SOMEBODY[language].get(actor_kind, _SOMEBODY[language]["account"])
    return _SENTENCES[language]["read" if is_reading(action) else "changed"].format(who=who, what=what)
