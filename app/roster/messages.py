"""The sentence of every roster error, Chinese and English, by code."""

import re
import unicodedata
from collections.abc import Mapping

from app.roster.records import RowError

MESSAGES: Mapping[str, tuple[str, str]] = {
    # The file as a whole (row 0).
    "file_empty": ("文件是空的。", "The file is empty."),
    "file_too_large": ("文件超过 128 MiB。", "The file is larger than 128 MiB."),
    "file_old_xls": (
        "这是旧版 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx。",
        "This is an old .xls file; save it as .xlsx in Excel or WPS.",
    ),
    "file_encrypted": (
        "文件加了密码，请取消密码后再导入。",
        "The file is protected by a password; remove it first.",
    ),
    "file_not_xlsx": ("这不是 .xlsx 工作簿。", "This is not an .xlsx workbook."),
    "file_csv": (
        "这是 CSV 文本文件，长号码在其中容易丢失末几位。请在 Excel 或 WPS 中把号码列设为“文本”，另存为 .xlsx。",
        "This is a CSV file, where long numbers lose their end: save it as .xlsx, with number columns as text.",
    ),
    "file_broken": (
        "工作簿已损坏，无法读取。",
        "The workbook is damaged and cannot be read.",
    ),
    "file_form": (
        "工作表的写法不常见，请在 Excel 或 WPS 中打开并重新保存。",
        "The sheet is written in an unusual form; open it in Excel or WPS and save it again.",
    ),
    "file_bomb": (
        "文件展开后过大或压缩比异常，已拒绝。",
        "The file unpacks to far more than it should and is refused.",
    ),
    "file_entries": (
        "文件内部条目过多，已拒绝。",
        "The file has too many inner parts and is refused.",
    ),
    "file_nested": (
        "文件里嵌有其他压缩包或工作簿，请删除嵌入对象后再导入。",
        "The file embeds other archives or workbooks; remove the embedded objects first.",
    ),
    "file_macros": (
        "文件含有宏，请另存为不含宏的 .xlsx。",
        "The file holds macros; save it as .xlsx without macros.",
    ),
    "file_dtd": (
        "文件含有不允许的 XML 声明，已拒绝。",
        "The file holds an XML declaration that is not allowed and is refused.",
    ),
    "file_rows": (
        "工作表超过 1,000,000 行。",
        "The sheet has more than 1,000,000 rows.",
    ),
    "file_columns": ("工作表超过 300 列。", "The sheet has more than 300 columns."),
    "file_cells": (
        "工作表范围过大（行数×列数），请删除空白的行和列后再导入。",
        "The sheet's area (rows × columns) is too large; delete empty rows and columns.",
    ),
    "no_header": (
        "前 20 行里没有找到表头（户编号、姓名、证件号码、与户主关系）。",
        "No header row was found in the first 20 rows.",
    ),
    "only_hidden": (
        "看得见的工作表里没有花名册；有隐藏的工作表（{what}），请取消隐藏后再上传。",
        "No visible sheet holds a roster; there are hidden ones ({what}): unhide the right one, then send it again.",
    ),
    "missing_columns": ("缺少必需的列：{what}。", "Required columns are missing: {what}."),
    "no_rows": ("表头下面没有数据。", "There is no data below the header."),
    "household_large": (
        "一户不能达到 {what} 行；请检查户编号和“与户主关系”列。",
        "A household of {what} rows or more is not taken; check the columns 户编号 and 与户主关系.",
    ),
    # Cells.
    "required": ("此列必须填写。", "This column must be filled in."),
    "text_too_long": ("内容过长。", "The text is too long."),
    "hidden_character": (
        "文字中有看不见的字符；请删去或重新手工输入。",
        "The text holds a character that can't be seen; delete it or type the text anew.",
    ),
    "id_missing": ("没有填写证件号码。", "The identity number is missing."),
    "id_number_cell": (
        "单元格是数字格式，末几位已经丢失；请设为“文本”格式后重新填写完整号码。",
        "The cell is a number and has lost its last digits; format it as text and type it again.",
    ),
    "id_length": (
        "证件号码位数不对，应为 18 位（残疾人证 20 或 22 位）。",
        "The identity number must have 18 characters (20 or 22 on a disability certificate).",
    ),
    "id_shape": (
        "证件号码含有不允许的字符，只能是数字，第 18 位可以是 X。",
        "The identity number may hold digits only, and X as the 18th character.",
    ),
    "id_region": (
        "证件号码前 6 位不是有效的地区代码。",
        "The first 6 digits are not the code of a region.",
    ),
    "id_birth": (
        "证件号码中的出生日期不存在。",
        "The birth date within the identity number does not exist.",
    ),
    "id_future": (
        "证件号码中的出生日期在今天之后。",
        "The birth date within the identity number is in the future.",
    ),
    "id_check": (
        "证件号码校验位不对，号码有误。",
        "The check digit is wrong: the identity number holds a mistake.",
    ),
    "id_certificate": (
        "残疾人证号后两位应为残疾类别（1–7）和等级（1–4）。",
        "A disability certificate ends with the kind (1-7) and the grade (1-4).",
    ),
    "id_duplicate": (
        "证件号码与第 {what} 行重复。",
        "The same identity number stands in row {what}.",
    ),
    "sex_mismatch": (
        "性别与证件号码不一致。",
        "The sex does not agree with the identity number.",
    ),
    "birth_mismatch": (
        "出生日期与证件号码不一致。",
        "The birth date does not agree with the identity number.",
    ),
    "bad_date": (
        "日期无法识别，请写成 1985-01-31 的样式。",
        "This is no date; write it like 1985-01-31.",
    ),
    "bad_month": (
        "年月无法识别，请写成 202406 的样式。",
        "This is no month; write it like 202406.",
    ),
    "bad_code": ("“{what}”不在系统代码表中。", "“{what}” is not in the code table."),
    "bad_flag": ("请填“是”或“否”。", "Fill in 是 (yes) or 否 (no)."),
    "education_twice": (
        "文化程度和在校生状况只能填一项。",
        "Fill in either the education or the school year, not both.",
    ),
    "money_bad": ("金额无法识别，请只填数字（元）。", "This is no amount; fill in yuan as digits."),
    "money_negative": ("金额不能是负数。", "The amount may not be negative."),
    "months_bad": ("月数应为 0 到 12 的整数。", "The months must be a whole number from 0 to 12."),
    "phone_bad": (
        "电话号码不对：手机为 11 位，座机带区号。",
        "The phone number is wrong: 11 digits, or a landline with its area code.",
    ),
    "account_bad": ("银行卡号应为 8 到 32 位数字。", "A bank account has 8 to 32 digits."),
    "village_unknown": (
        "找不到这个村（社区），请核对乡镇和村名。",
        "There is no such village; check the names of township and village.",
    ),
    "village_ambiguous": (
        "有多个同名的村，请补填乡镇或 12 位村代码。",
        "Several villages have this name; add the township or the 12-digit code.",
    ),
    # Households.
    "identified_missing": (
        "填写了消除监测时间，却没有识别监测时间。",
        "There is a time of elimination but none of identification (识别监测时间).",
    ),
    "status_future": ("这个时间在今天之后。", "This time lies in the future."),
    "status_order": (
        "消除监测时间早于识别监测时间。",
        "The time of elimination lies before that of identification.",
    ),
    "head_missing": ("这一户没有户主。", "This household has no head."),
    "head_twice": ("这一户有多个户主。", "This household has more than one head."),
    "spouse_twice": ("这一户有多个配偶。", "This household has more than one spouse."),
    "household_conflict": (
        "同一户各行的“{what}”不一致。",
        "The rows of one household differ in “{what}”.",
    ),
    "number_is_id": (
        "户编号不能填写证件号码。",
        "The household number may not be a person's identity number.",
    ),
    "household_twice": (
        "户编号在第 {what} 行已经出现过；同一户的成员应当连续排列。",
        "This household number stands in row {what} too; keep a household's rows together.",
    ),
}

_LONG_NUMBER = re.compile(r"\d[\d\s./-]{4,}[\dX]", re.IGNORECASE)
_SHOWN = 40


def scrub(text: str) -> str:
    """A typed text fit for an error list: any run of six digits or more is starred, length cut."""
    plain = unicodedata.normalize("NFKC", text)
    hidden = _LONG_NUMBER.sub(lambda found: found[0][:2] + "*" * (len(found[0]) - 2), plain)
    return hidden if len(hidden) <= _SHOWN else hidden[: _SHOWN - 1] + "…"


def row_error(row: int, column: str, code: str, *, value: str = "", what: str = "") -> RowError:
    """Build an error; `value` must already be masked when it is a personal number."""
    chinese, english = MESSAGES[code]
    return RowError(row, column, value, code, chinese.format(what=what), english.format(what=what))
