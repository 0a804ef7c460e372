"""What is said of somebody's days, in every language Hearthline speaks: what was seen, and that it is no diagnosis."""

from typing import Final

from eldercare.wellbeing.rules.drift import BEFORE_NEEDED, RECENT_NEEDED, Standing
from eldercare.wellbeing.rules.measures import Measure

_COMPARED: Final[dict[str, dict[Measure, str]]] = {
    "en": {
        "mood": "In the last 7 days mood was mostly {recent} of 5, in the 4 weeks before mostly {usual}",
        "sleep": "In the last 7 days sleep was mostly {recent} of 5, in the 4 weeks before mostly {usual}",
        "activity": (
            "In the last 7 days it mostly took {recent} minutes to answer a check-in,"
            " in the 4 weeks before mostly {usual}"
        ),
        "adherence": (
            "In the last 7 days mostly {recent} % of a day's doses were recorded as taken,"
            " in the 4 weeks before mostly {usual} %"
        ),
    },
    "zh-CN": {
        "mood": "最近 7 天心情多为 {recent} 分（满分 5 分），之前 4 周多为 {usual} 分",
        "sleep": "最近 7 天睡眠多为 {recent} 分（满分 5 分），之前 4 周多为 {usual} 分",
        "activity": "最近 7 天回应平安签到多需 {recent} 分钟，之前 4 周多需 {usual} 分钟",
        "adherence": "最近 7 天每日记录已服药的比例多为 {recent}%，之前 4 周多为 {usual}%",
    },
}
_ENDS: Final[dict[str, dict[str, str]]] = {
    "en": {"drifting": "{compared}: a reason to ask, not a diagnosis.", "as_usual": "{compared}: about as usual."},
    "zh-CN": {"drifting": "{compared}：值得关心询问，并非诊断。", "as_usual": "{compared}：与平时相近。"},
}
_TOO_LITTLE: Final[dict[str, str]] = {
    "en": (
        "Not enough data: something is known of {recent} of the last 7 days (at least {recent_needed} are needed)"
        " and of {usual} of the 28 before (at least {usual_needed})."
    ),
    "zh-CN": (
        "数据不足：最近 7 天中有 {recent} 天有记录（至少需要 {recent_needed} 天），"
        "之前 28 天中有 {usual} 天有记录（至少需要 {usual_needed} 天）。"
    ),
}


def compared(language: str, measure: Measure, standing: Standing, recent: float, usual: float) -> str:
    """Return the sentence that explains a flag, or why there is none; ``language`` is one of ours."""
    said = _COMPARED[language][measure].format(recent=_number(recent), usual=_number(usual))
    return _ENDS[language][standing].format(compared=said)


def too_little(language: str, recent_days: int, usual_days: int) -> str:
    """Return the sentence that says that too little is known to say anything."""
    return _TOO_LITTLE[language].format(
        recent=recent_days, usual=usual_days, recent_needed=RECENT_NEEDED, usual_needed=BEFORE_NEEDED
    )


def _number(value: float) -> str:
    return f"{round(value, 1):g}"
