"""What an operator is told about a file and its rows, in every language Hearthline speaks."""

from typing import Final

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "required": {"en": "is missing", "zh-CN": "缺少内容"},
    "too_long": {"en": "is too long", "zh-CN": "内容过长"},
    "not_text": {"en": "contains characters that cannot be stored", "zh-CN": "包含无法保存的字符"},
    "invalid_name": {
        "en": "is not a name: it has between 1 and 200 printable characters",
        "zh-CN": "姓名无效：应为1至200个可见字符",
    },
    "invalid_date": {
        "en": "is not a possible birth date such as 1940-05-31",
        "zh-CN": "出生日期无效，例如：1940-05-31",
    },
    "invalid_language": {"en": "is not a language tag such as en or zh-CN", "zh-CN": "语言代码无效，例如：en 或 zh-CN"},
    "invalid_time_zone": {
        "en": "is not a time zone such as Asia/Shanghai",
        "zh-CN": "时区无效，例如：Asia/Shanghai",
    },
    "invalid_phone": {
        "en": "is not a phone number of this country, nor one that begins with + and a country code",
        "zh-CN": "电话号码无效：应为本国号码，或以“+”和国家代码开头",
    },
    "invalid_email": {"en": "is not a mail address", "zh-CN": "邮箱地址无效"},
    "invalid_number": {"en": "is not a number within its limits", "zh-CN": "数值无效或超出范围"},
    "invalid_need": {
        "en": "names a need that is not known; needs are separated by semicolons",
        "zh-CN": "包含未知的无障碍需求；多项请用分号隔开",
    },
    "invalid_scope": {
        "en": "names something that cannot be granted; scopes are separated by semicolons",
        "zh-CN": "包含不可授权的项目；多项请用分号隔开",
    },
    "duplicate_reference": {
        "en": "is in an earlier row already; each resident has one row",
        "zh-CN": "编号在前面的行中已出现；每位住户只占一行",
    },
    "residence_ended": {
        "en": "belongs to a resident who died or moved out",
        "zh-CN": "该编号的住户已去世或已迁出",
    },
    "broken_row": {
        "en": "The file cannot be read from here on: a quotation mark is probably missing",
        "zh-CN": "从此行起无法读取文件：可能缺少引号",
    },
    "not_utf8": {
        "en": "The file is not UTF-8. Save it as “CSV UTF-8”, or send the spreadsheet itself (.xlsx)",
        "zh-CN": "文件不是UTF-8编码（可能是GBK）。请另存为“CSV UTF-8”，或直接上传表格文件（.xlsx）",
    },
    "not_a_spreadsheet": {"en": "The file is not an .xlsx spreadsheet", "zh-CN": "文件不是.xlsx表格"},
    "too_large": {"en": "The spreadsheet is too large when unpacked", "zh-CN": "表格解压后过大"},
    "empty": {"en": "The file has no header row", "zh-CN": "文件没有标题行"},
    "unknown_column": {"en": "There is no such column: {columns}", "zh-CN": "未知的列：{columns}"},
    "repeated_column": {"en": "A column is there twice: {columns}", "zh-CN": "列重复：{columns}"},
    "missing_column": {"en": "These columns are missing: {columns}", "zh-CN": "缺少列：{columns}"},
}

CODES: Final = frozenset(_TEXTS)


def sentence(code: str, language: str, columns: str = "") -> str:
    """Return what ``code`` says in ``language`` (one of Hearthline's languages)."""
    return _TEXTS[code][language].format(columns=columns)
