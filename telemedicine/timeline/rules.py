"""The kinds of telemedicine's items in a timeline, the right each of them needs, and what they say."""

from collections.abc import Mapping
from typing import Any, Final, Literal

Kind = Literal["appointment_changed", "consultation_ended", "consultation_note_signed"]

SCOPE_OF: Final[Mapping[str, str]] = {
    "appointment_changed": "appointments:manage",
    "consultation_ended": "consultations:read",
    "consultation_note_signed": "consultations:read",
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
    },
}


def tell(language: str, kind: Kind, data: Mapping[str, Any]) -> str:
    """Return the sentence for an item of ``kind`` with what is known of it; ``language`` is one of ours."""
    return _SAID[language][f"{kind}.{data['news']}" if kind == "appointment_changed" else kind]
