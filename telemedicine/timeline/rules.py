"""The kinds of telemedicine's items in a timeline, the right each of them needs, and what they say."""

from collections.abc import Mapping
from typing import Any, Final, Literal

Kind = Literal["appointment_changed", "consultation_ended", "consultation_note_signed", "referral_changed"]

SCOPE_OF: Final[Mapping[str, str]] = {
    "appointment_changed": "appointments:manage",
    "consultation_ended": "consultations:read",
    "consultation_note_signed": "consultations:read",
    "referral_changed": "records:read",
}

_SAID: Final[dict[str, dict[str, str]]] = {
    "en": {
        "appointment_changed.booked": "An appointment was booked.",
        "appointment_changed.moved": "An appointment was moved.",
        "appointment_changed.cancelled": "An appointment was called off.",
        "appointment_changed.fulfilled": "Was seen at an appointment.",
        "appointment_changed.noshow": "Did not come to an appointment.",
        "appointment_changed.entered-in-error": "An appointment had been entered by mistake.",
        "consultation_ended": "A video visit took place.",
        "consultation_note_signed": "The clinic signed its note about a video visit.",
        "referral_changed.requested": "Was referred to another clinic.",
        "referral_changed.accepted": "A referral stands accepted.",
        "referral_changed.declined": "A referral was declined.",
        "referral_changed.redirected": "A referral was passed on.",
        "referral_changed.booked": "A time was booked for a referral.",
        "referral_changed.seen": "Was seen on a referral.",
        "referral_changed.completed": "The letter about a referral came back.",
        "referral_changed.withdrawn": "A referral was withdrawn.",
        "referral_changed.expired": "A referral expired.",
    },
    "zh-CN": {
        "appointment_changed.booked": "预约了一次就诊。",
        "appointment_changed.moved": "一次就诊已改期。",
        "appointment_changed.cancelled": "一次就诊已取消。",
        "appointment_changed.fulfilled": "已按预约就诊。",
        "appointment_changed.noshow": "未按预约就诊。",
        "appointment_changed.entered-in-error": "一次预约系误录。",
        "consultation_ended": "进行了一次视频就诊。",
        "consultation_note_signed": "诊所签署了视频就诊记录。",
        "referral_changed.requested": "被转诊到另一家诊所。",
        "referral_changed.accepted": "一次转诊已被接受。",
        "referral_changed.declined": "一次转诊被拒绝。",
        "referral_changed.redirected": "一次转诊已转至他处。",
        "referral_changed.booked": "已为转诊预约时间。",
        "referral_changed.seen": "已按转诊就诊。",
        "referral_changed.completed": "转诊的回复信已返回。",
        "referral_changed.withdrawn": "一次转诊已撤回。",
        "referral_changed.expired": "一次转诊已过期。",
    },
}


def tell(language: str, kind: Kind, data: Mapping[str, Any]) -> str:
    """Return the sentence for an item of ``kind`` with what is known of it; ``language`` is one of ours."""
    what = {"appointment_changed": "news", "referral_changed": "state"}.get(kind)
    return _SAID[language][f"{kind}.{data[what]}" if what else kind]
