"""What may be wrong with a sheet of staff, Chinese and English by code; and what counties call the roles."""

from collections.abc import Mapping

from app.roster import messages
from app.roster.records import RowError

# What offices call people who hold a role, besides its own label.
USUAL_ROLES: Mapping[str, tuple[str, ...]] = {
    "grid_member": ("网格长", "专职网格员", "防贫网格员"),
    "village_cadre": ("村两委", "村两委成员", "村支书", "村党支部书记", "村主任", "村委会主任", "村防贫专干"),
    "resident_team": ("驻村工作队", "驻村队员", "驻村干部", "驻村第一书记", "第一书记"),
    "township_officer": ("乡镇经办人", "乡镇干部", "乡镇防贫专干"),
    "township_leader": ("乡镇领导", "分管领导", "乡镇主要领导"),
    "county_lead": ("县级主管部门人员", "县级主管部门", "县级牵头部门", "县农业农村局", "县主管部门人员"),
    "sector_dept": ("行业部门", "县级行业部门", "行业部门人员"),
    "helper": ("帮扶人", "帮扶干部", "帮扶联系人", "帮扶责任人员"),
    "auditor": ("督查人员", "审计人员", "督查员"),
    "admin": ("管理员", "县管理员"),
}

FAULTS: Mapping[str, tuple[str, str]] = {
    "no_staff_header": (
        "前 20 行里没有找到表头（至少要有：姓名、登录账号、职务）。可先导出本县人员表，按其格式填写。",
        "No header in the first 20 rows (needed: 姓名, 登录账号, 职务). Export the staff and use that layout.",
    ),
    "too_many_rows": (
        "一次最多 {what} 行，请分成几个文件。",
        "At most {what} rows at a time; split the file.",
    ),
    "too_many_new": (
        "网页和接口一次最多新开 {what} 个账号：请分成几个文件，或在服务器上用 fangpin user import 导入。",
        "Pages and API open {what} accounts at a time: split the file, or use `fangpin user import` on the server.",
    ),
    "role_unknown": (
        "没有这种职务，请按导出的人员表填写，如：村干部、帮扶责任人。",
        "There is no such role; write it as the export does, such as 村干部 or helper.",
    ),
    "role_not_given": (
        "县级管理员不能任命这种职务。",
        "A county's administrator does not give this role.",
    ),
    "role_missing": ("新账号必须填写职务。", "A new account needs a role."),
    "area_code": ("区划代码应为 6、9、12 或 15 位数字。", "An area code has 6, 9, 12 or 15 digits."),
    "area_unknown": (
        "在您管理的县内找不到这个区域，请核对名称或代码。",
        "There is no such area in the counties that you administer; check its name or code.",
    ),
    "area_ambiguous": (
        "有多个区域叫这个名称，请补填乡镇或区划代码。",
        "Several areas have this name; add the township or the code.",
    ),
    "area_level": (
        "这种职务不在这一级任职：{what}。",
        "This role is not held at this level: {what}.",
    ),
    "area_missing": ("须填写任职的乡镇、村或网格。", "Fill in the township, village or grid of the office."),
    "username_missing": (
        "新人员必须填写登录账号。",
        "Somebody new needs a log-in name.",
    ),
    "username_several": (
        "此人在本县有多个账号，请填写登录账号。",
        "This person has several accounts here; fill in the log-in name.",
    ),
    "username_taken": (
        "此登录账号已被占用，请换一个。",
        "This log-in name is taken; choose another one.",
    ),
    "account_disabled": (
        "此账号已停用；如需使用，请先在账号页启用。",
        "This account is disabled; enable it on the accounts page first.",
    ),
    "id_other": (
        "与此账号登记的身份证号码不一致；一个账号只能属于一个人。",
        "This is not the number of this account; an account belongs to one person.",
    ),
    "id_needed": (
        "签署类职务必须登记身份证号码。",
        "A role that signs needs the ID number.",
    ),
    "person_known": (
        "此人已有账号 {what}：请填该账号，在其上任命职务。确需第二个账号的，在账号页单独新增。",
        "This person has the account {what}: give the office to that one. Add a second account on the accounts page.",
    ),
    "id_twice": (
        "与第 {what} 行的身份证号码相同，登录账号却不同。",
        "The same number stands in row {what} with another log-in name.",
    ),
    "account_conflict": (
        "与第 {what} 行是同一账号，{column}却不同。",
        "This is the account of row {what}, but it differs in {column}.",
    ),
    "office_twice": ("与第 {what} 行是同一账号的同一职务。", "Row {what} says the same office of the same account."),
    "oneself": (
        "不能给自己任命签署类职务，也不能免去自己的管理员职务。",
        "Nobody gives himself an office that signs, or ends his own office of administrator.",
    ),
    "period_order": ("截止日期早于起始日期。", "The last day is before the first one."),
    "period_past": ("任期已过，新账号不能据此开设。", "The time of office is over; no account is opened for it."),
    "mail_bad": (
        "邮箱地址不正确：应为一个地址，只用英文字符。",
        "This is no usable address: one address, ASCII characters only.",
    ),
    "staff_raced": (
        "检查之后，其中有账号已由他人改动；一项也没有办理，请重新导入。",
        "Somebody changed one of these accounts meanwhile; nothing was done, import the file again.",
    ),
    "differences_changed": (
        "确认码与现在的不一致之处不符（现为 {what}）；请重新核对后再确认。",
        "The code is not that of the differences as they are now ({what}); look at them again, then confirm.",
    ),
}


def fault(row: int, column: str, code: str, *, value: str = "", what: str = "") -> RowError:
    """Return what is wrong with a row; ``value`` must be masked when it is a personal number."""
    if code not in FAULTS:
        return messages.row_error(row, column, code, value=value, what=what)
    chinese, english = (text.format(what=what, column=column) for text in FAULTS[code])
    return RowError(row, column, value, code, chinese, english)


def of_file(code: str) -> RowError:
    """Return why the file as a whole is refused."""
    return messages.row_error(0, "", code)
