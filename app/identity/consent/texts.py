"""What a grant means, in plain words a resident can read, in every language Hearthline speaks."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.identity import scopes as s

LANGUAGES: Final = ("en", "zh-CN")

SCOPES: Final[dict[str, dict[str, str]]] = {
    "en": {
        s.PROFILE_READ: "see your name, address, language and emergency notes",
        s.PROFILE_MANAGE: "change your profile and how you are reached",
        s.CONTACTS_READ: "see your phone numbers and mail addresses",
        s.CHECK_INS_READ: "see whether you answered your check-ins",
        s.CHECK_INS_ANSWER: "answer a check-in for you",
        s.CHECK_INS_MANAGE: "change when and how you are asked how you are",
        s.ALARMS_READ: "see your alarms and what was done",
        s.ALARMS_RAISE: "raise an alarm for you",
        s.ALARMS_RESPOND: "take over an alarm and come to help",
        s.CIRCLE_READ: "see who is in your care circle",
        s.CIRCLE_MANAGE: "invite people to your care circle and remove them",
        s.GRANTS_MANAGE: "decide for you what others may see or do",
        s.VITALS_READ: "see your blood pressure, pulse and other measurements",
        s.VITALS_WRITE: "record measurements such as blood pressure and pulse for you",
        s.VITALS_MANAGE: "set the limits at which your measurements raise an alarm",
        s.LOCATION_READ: "see where you are",
        s.LOCATION_WRITE: "send where you are, as a tracker does",
        s.ZONES_MANAGE: "set places to stay in or to keep out of, and be warned when you leave them",
        s.MEDICATION_READ: "see your medication and whether you took it",
        s.MEDICATION_RECORD: "write down whether you took your medication",
        s.MEDICATION_MANAGE: "change your medication plan",
        s.APPOINTMENTS_MANAGE: "book, move and cancel appointments for you",
        s.HOME_ACTIVITY: "see in outline how your day at home went: when you got up, whether you moved about as usual",
        s.HOME_READ: "see what the sensors in your home report now and reported before: movement, doors, sleep",
        s.HOME_CONTROL: "operate lights, doors and devices in your home",
        s.HOME_MANAGE: "connect your home's devices, decide what is watched there and what they do by themselves",
        s.VISITS_READ: "see your care plan, when carers come and what they did",
        s.VISITS_MANAGE: "cancel visits of carers for you",
        s.MESSAGES_READ: "read what is written in your care circle",
        s.MESSAGES_WRITE: "write in your care circle",
        s.WELLBEING_READ: "see how your mood, sleep, activity and medication go from day to day, and what changes",
        s.WELLBEING_MANAGE: "say that somebody sees to such a change, or that it is nothing",
        s.CONSULTATIONS_READ: "see your video visits and what the clinic wrote about them",
        s.CONSULTATIONS_JOIN: "take part in your video visits and bring an interpreter or relatives",
        s.RECORDS_READ: "see your health record: illnesses, allergies, vaccinations, findings, documents, insurance",
        s.RECORDS_WRITE: "enter in your health record what you say of your own health",
        s.BILLS_READ: "see your bills, what your insurer pays of them and what you paid",
        s.HOME_SERVICES_READ: "see the help you ordered to your home: what, when, who comes, and how far away they are",
        s.HOME_SERVICES_ORDER: "order help to your home in your name, at your cost, and call it off",
        s.TRIPS_READ: "see the trips you go along on, what you need on the way, and whether you were counted",
        s.TRIPS_JOIN: "sign you up for trips in your name, at your cost, and call it off",
    },
    "zh-CN": {
        s.PROFILE_READ: "查看您的姓名、住址、语言和紧急备注",
        s.PROFILE_MANAGE: "修改您的资料和联系方式",
        s.CONTACTS_READ: "查看您的电话号码和邮箱",
        s.CHECK_INS_READ: "查看您是否回应了每日问候",
        s.CHECK_INS_ANSWER: "代您回应每日问候",
        s.CHECK_INS_MANAGE: "修改每日问候的时间和方式",
        s.ALARMS_READ: "查看您的警报及处理情况",
        s.ALARMS_RAISE: "为您发出警报",
        s.ALARMS_RESPOND: "接手警报并前来帮助",
        s.CIRCLE_READ: "查看您的关爱圈成员",
        s.CIRCLE_MANAGE: "邀请或移除您的关爱圈成员",
        s.GRANTS_MANAGE: "代您决定他人可以查看或操作什么",
        s.VITALS_READ: "查看您的血压、脉搏等测量数据",
        s.VITALS_WRITE: "为您记录血压、脉搏等测量数据",
        s.VITALS_MANAGE: "设定您的测量数据触发警报的界限",
        s.LOCATION_READ: "查看您所在的位置",
        s.LOCATION_WRITE: "像定位器一样上报您的位置",
        s.ZONES_MANAGE: "设定您的活动范围和不宜前往的地方，越界时收到提醒",
        s.MEDICATION_READ: "查看您的用药及服药情况",
        s.MEDICATION_RECORD: "记录您是否服药",
        s.MEDICATION_MANAGE: "修改您的用药计划",
        s.APPOINTMENTS_MANAGE: "为您预约、改约和取消就诊",
        s.HOME_ACTIVITY: "大致了解您在家的一天：何时起床、活动是否如常",
        s.HOME_READ: "查看您家中传感器现在和过去的记录：活动、门窗、睡眠等",
        s.HOME_CONTROL: "操作您家中的灯、门和设备",
        s.HOME_MANAGE: "接入您家中的设备，并决定关注哪些情况、设备如何自动运行",
        s.VISITS_READ: "查看您的照护计划、护理员的上门时间及服务内容",
        s.VISITS_MANAGE: "代您取消护理员上门",
        s.MESSAGES_READ: "阅读您关爱圈里的消息",
        s.MESSAGES_WRITE: "在您的关爱圈里发消息",
        s.WELLBEING_READ: "查看您每天的心情、睡眠、活动和服药情况及其变化",
        s.WELLBEING_MANAGE: "确认有人在关注这些变化，或确认没有问题",
        s.CONSULTATIONS_READ: "查看您的视频就诊及诊所的记录",
        s.CONSULTATIONS_JOIN: "参加您的视频就诊，并邀请翻译或亲属",
        s.RECORDS_READ: "查看您的健康档案：疾病、过敏、疫苗接种、检查结果、文件和保险",
        s.RECORDS_WRITE: "代您在健康档案中填写您自述的健康情况",
        s.BILLS_READ: "查看您的账单、保险支付的金额和您的付款记录",
        s.HOME_SERVICES_READ: "查看您预订的上门家政：内容、时间、上门人员及其路上的位置",
        s.HOME_SERVICES_ORDER: "以您的名义、由您付费预订和取消上门家政",
        s.TRIPS_READ: "查看您参加的出游、途中需要的照顾及清点情况",
        s.TRIPS_JOIN: "以您的名义、由您付费报名和取消出游",
    },
}
"""Language → scope → the end of the sentence “this person may …”."""

_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "consent": "{name} may: {what}.",
        "proxy": "{name} acts for you and may: {what}.",
        "break_glass": "During an alarm, {name} may: {what}.",
    },
    "zh-CN": {
        "consent": "{name}可以：{what}。",
        "proxy": "{name}作为您的代理人，可以：{what}。",
        "break_glass": "警报期间，{name}可以：{what}。",
    },
}
_BETWEEN: Final = {"en": "; ", "zh-CN": "；"}


def language_for(wanted: str) -> str:
    """Return the language of ours that is closest to a BCP 47 tag or an ``Accept-Language`` header; English if none."""
    for choice in wanted.split(","):
        tag = choice.partition(";")[0].strip().lower()
        for language in LANGUAGES:
            if tag.split("-")[0] == language.lower().split("-")[0]:
                return language
    return LANGUAGES[0]


def wording(language: str) -> dict[str, Any]:
    """Return the words in which grants are explained today; ``language`` is one of ``LANGUAGES``."""
    return {"sentences": _SENTENCES[language], "between": _BETWEEN[language], "scopes": SCOPES[language]}


def edition_of(content: Mapping[str, Any]) -> str:
    """Return which edition of a wording this is: other words are another one."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def explain(language: str, kind: str, name: str, scopes: list[str]) -> str:
    """Return one sentence that says what a grant lets a person do; ``language`` is one of ``LANGUAGES``."""
    return explain_in(wording(language), kind, name, scopes)


def explain_in(content: Mapping[str, Any], kind: str, name: str, scopes: list[str]) -> str:
    """Return the same sentence in the words of one ``wording``, of today or of another day."""
    words = content["scopes"]
    what = content["between"].join(words[scope] for scope in scopes if scope in words)
    return str(content["sentences"][kind].format(name=name, what=what))
