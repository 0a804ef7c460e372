"""What the pages say on which a person decides about an app, in every language Hearthline speaks."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.identity.api import smart_scopes

_READING: Final = frozenset("rs")

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Connect an app",
        "asks": "{app} asks to be connected",
        "whose": "This app is offered by {organization}.",
        "contact": "Your phone number or mail address",
        "send": "Send me a code",
        "sent": "If we know you there, a code is on its way.",
        "code": "The six digits",
        "which_person": "Who are you?",
        "sign_in": "Sign in",
        "wrong_code": "This code is not right, or no longer good.",
        "wrong_contact": "This is no phone number and no mail address.",
        "too_many": "Too many codes were asked for. Please wait a while.",
        "signed_in": "You are signed in as {name}.",
        "may": "If you agree, the app can:",
        "see": "see: {what}",
        "change": "add and change: {what}",
        "of_patient": "of the person you choose below",
        "of_all": "of everybody you may see",
        "identity": "know who you are",
        "for_long": "It stays connected, also while you do not use it, until you end it.",
        "for_hours": "It stays connected for eight hours after you last used it.",
        "for_minutes": "It is connected for a quarter of an hour.",
        "find": "Look for somebody by name",
        "search": "Search",
        "which_patient": "Whose data is it to see?",
        "no_patient": "There is nobody whose data you may see.",
        "ending": "It never sees more than you may. You can end this at any time, under connected apps.",
        "agree": "Agree and connect",
        "refuse": "Do not connect",
        "over": "This page is no longer good. Go back to the app and begin again.",
        "no_app": "The app that sent you here is not known, or asks in a way that is not safe. Nothing was shared.",
        "no_codes": "Signing in with a code is not offered here.",
    },
    "zh-CN": {
        "title": "连接应用",
        "asks": "“{app}”请求连接",
        "whose": "此应用由{organization}提供。",
        "contact": "您的手机号码或电子邮箱",
        "send": "发送验证码",
        "sent": "如果该号码或邮箱已登记，验证码即将送达。",
        "code": "六位验证码",
        "which_person": "您是哪一位？",
        "sign_in": "登录",
        "wrong_code": "验证码不正确或已失效。",
        "wrong_contact": "这不是有效的手机号码或电子邮箱。",
        "too_many": "请求验证码过于频繁，请稍后再试。",
        "signed_in": "您已以“{name}”的身份登录。",
        "may": "如果您同意，该应用可以：",
        "see": "查看：{what}",
        "change": "添加和更改：{what}",
        "of_patient": "（您在下方选择的人）",
        "of_all": "（您有权查看的所有人）",
        "identity": "知道您是谁",
        "for_long": "即使您不使用，它也会保持连接，直到您将其断开。",
        "for_hours": "在您最后一次使用后，连接保持八小时。",
        "for_minutes": "连接保持十五分钟。",
        "find": "按姓名查找",
        "search": "查找",
        "which_patient": "允许它查看谁的数据？",
        "no_patient": "没有您有权查看其数据的人。",
        "ending": "它看到的绝不会超出您的权限。您可以随时在“已连接的应用”中断开。",
        "agree": "同意并连接",
        "refuse": "不连接",
        "over": "此页面已失效。请返回应用重新开始。",
        "no_app": "无法识别将您带到这里的应用，或其请求方式不安全。没有共享任何数据。",
        "no_codes": "此处不提供验证码登录。",
    },
}
"""Language → what is said → the words."""

# Kinds of resources that a person calls the same: what it is called, in English and in Chinese.
_CALLED: Final[tuple[tuple[str, str, str], ...]] = (
    ("*", "everything about health and care", "所有健康和照护数据"),
    ("Patient", "name, birthday and language", "姓名、生日和语言"),
    ("Observation", "measurements, such as blood pressure", "测量数据，例如血压"),
    ("Appointment AppointmentResponse", "appointments", "预约"),
    ("Encounter", "visits to the clinic and video visits", "门诊和视频就诊"),
    ("Condition", "illnesses", "疾病"),
    ("AllergyIntolerance", "allergies", "过敏"),
    ("Immunization", "vaccinations", "疫苗接种"),
    ("DocumentReference Binary", "documents and letters", "文档和信件"),
    ("CarePlan", "care plans", "照护计划"),
    ("MedicationRequest MedicationStatement MedicationAdministration", "medicines", "用药"),
    ("ServiceRequest", "referrals", "转诊"),
    (
        "Coverage Claim ClaimResponse CoverageEligibilityRequest CoverageEligibilityResponse",
        "insurance and bills",
        "保险和账单",
    ),
    ("Provenance AuditEvent", "who wrote and who looked at what", "谁写了、谁看了什么"),
    ("Consent", "what was agreed to", "已同意的事项"),
    ("Group Subscription", "groups and notifications of software", "分组和软件通知"),
    ("OperationDefinition", "how this service is used", "本服务的使用说明"),
    (
        "Organization Location Practitioner PractitionerRole HealthcareService Schedule Slot",
        "clinics, doctors and free times",
        "诊所、医生和可预约时间",
    ),
    ("OperationDefinition", "what can be asked of this service", "本服务提供的操作"),
)
CALLED: Final[Mapping[str, Mapping[str, str]]] = {
    kind: {"en": english, "zh-CN": chinese} for kinds, english, chinese in _CALLED for kind in kinds.split()
}


def lines(scopes: Sequence[str], language: str) -> list[str]:
    """Return what scopes let an app do, a line for each thing, each said once."""
    words = WORDS[language]
    told: dict[str, None] = {}
    for scope in smart_scopes(scopes):
        what = CALLED[scope.type][language]
        of = words["of_patient" if scope.context == "patient" else "of_all"]
        joined = f"{what}{of}" if language == "zh-CN" else f"{what}, {of}"
        may = frozenset(scope.may)
        if may & _READING:
            told[words["see"].format(what=joined)] = None
        if may - _READING:
            told[words["change"].format(what=joined)] = None
    if "openid" in scopes:
        told[words["identity"]] = None
    return list(told)


def how_long(scopes: Sequence[str], language: str) -> str:
    """Return how long an app stays connected."""
    words = WORDS[language]
    if "offline_access" in scopes:
        return words["for_long"]
    return words["for_hours" if "online_access" in scopes else "for_minutes"]
