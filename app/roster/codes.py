"""Code tables of the national system (relation 1010, 100A10-100A14 and others): label → own id.

The labels are the national system's; its item codes are not public, so that ids are ours.
"""

from collections.abc import Mapping

Table = Mapping[str, str]

RELATION: Table = {
    "户主": "head",
    "配偶": "spouse",
    "之子": "son",
    "之女": "daughter",
    "之儿媳": "daughter_in_law",
    "之女婿": "son_in_law",
    "之孙子": "grandson",
    "之孙女": "granddaughter",
    "之外孙子": "daughters_son",
    "之外孙女": "daughters_daughter",
    "之父": "father",
    "之母": "mother",
    "之岳父": "wifes_father",
    "之岳母": "wifes_mother",
    "之公公": "husbands_father",
    "之婆婆": "husbands_mother",
    "之祖父": "grandfather",
    "之祖母": "grandmother",
    "之外祖父": "mothers_father",
    "之外祖母": "mothers_mother",
    "之兄弟姐妹": "sibling",
    "之曾孙子": "great_grandson",
    "之曾孙女": "great_granddaughter",
    "之侄儿": "nephew",
    "之侄女": "niece",
    "之兄弟媳妇": "brothers_wife",
    "之叔伯": "uncle",
    "其他": "other",
}
POLITICS: Table = {
    "中共党员": "party_member",
    "中共预备党员": "probationary_party_member",
    "共青团员": "youth_league_member",
    "群众": "none",
}
EDUCATION: Table = {
    "文盲或半文盲": "illiterate",
    "小学": "primary",
    "初中": "junior_secondary",
    "高中": "senior_secondary",
    "大专": "junior_college",
    "本科及以上": "bachelor_or_above",
}
_YEARS = "一二三四五"


def _years(label: str, key: str, count: int) -> dict[str, str]:
    return {f"{label}{_YEARS[n]}年级": f"{key}_{n + 1}" for n in range(count)}


SCHOOLING: Table = {
    "学龄前儿童": "preschool_age",
    "学前教育": "kindergarten",
    "小学": "primary",
    "七年级": "grade_7",
    "八年级": "grade_8",
    "九年级": "grade_9",
    **_years("普通高中", "senior", 3),
    **_years("中职", "vocational", 3),
    **_years("高职高专", "college", 3),
    **_years("技师学院", "technician", 4),
    **_years("本科", "bachelor", 5),
    "硕士研究生及以上": "master_or_above",
}
HEALTH: Table = {
    "健康": "healthy",
    "长期慢性病": "chronic",
    "慢性病": "chronic",
    "患有大病": "serious_illness",
    "大病": "serious_illness",
    "残疾": "disabled",
}
LABOUR: Table = {
    "普通劳动力": "ordinary",
    "技能劳动力": "skilled",
    "弱劳动力或半劳动力": "weak_or_half",
    "丧失劳动力": "lost",
    "无劳动力": "none",
}
SEX: Table = {"男": "male", "女": "female", "男性": "male", "女性": "female"}
DOCUMENT: Table = {
    "居民身份证": "id_card",
    "身份证": "id_card",
    "居民身份证(户口簿)": "id_card",
    "户口簿": "id_card",
    "残疾证": "disability_certificate",
    "残疾人证": "disability_certificate",
}
KIND: Table = {
    "一般农户": "ordinary",
    "一般户": "ordinary",
    "一般": "ordinary",
    "脱贫户": "former_poor",
    "一般脱贫户": "former_poor",
    "五无户": "five_noes",
    "五无": "five_noes",
    "低收入户": "low_income",
    "低收入": "low_income",
    "低收入农户": "low_income",
}
CATEGORY: Table = {
    "脱贫不稳定户": "unstable_alleviated",
    "边缘易致贫户": "marginal_vulnerable",
    "突发严重困难户": "sudden_hardship",
}
RISK: Table = {
    "因病": "illness",
    "因学": "education",
    "因残": "disability",
    "因自然灾害": "natural_disaster",
    "因灾": "natural_disaster",
    "因意外事故": "accident",
    "因产业项目失败": "industry_failure",
    "因务工就业不稳": "unstable_job",
    "缺劳动力": "no_labour",
    "因缺劳动力": "no_labour",
    "因安全住房": "housing",
    "因安全饮水": "water",
    "其他": "other",
}
#: The kinds of measures as the definition of assistance names them, and shorter.
MEASURE: Table = {
    "产业帮扶": "industry",
    "产业": "industry",
    "就业帮扶": "employment",
    "就业": "employment",
    "金融帮扶": "finance",
    "金融": "finance",
    "公益岗位": "public_job",
    "公益岗位帮扶": "public_job",
    "公益性岗位": "public_job",
    "健康帮扶": "health",
    "健康": "health",
    "义务教育保障": "compulsory_edu",
    "教育帮扶": "education_aid",
    "综合保障": "social_security",
    "住房安全保障": "housing_safety",
    "饮水安全保障": "water_safety",
    "社会帮扶": "social_aid",
    "搬迁": "relocation",
    "易地搬迁": "relocation",
    "生产生活条件改善": "living_conditions",
    "基础设施建设": "infrastructure",
}
#: 100A09: the 56 nations, and the two entries that the household register adds.
_NATION_LIST = (
    "汉族 蒙古族 回族 藏族 维吾尔族 苗族 彝族 壮族 布依族 朝鲜族 满族 侗族 瑶族 白族 土家族 哈尼族 "
    "哈萨克族 傣族 黎族 傈僳族 佤族 畲族 高山族 拉祜族 水族 东乡族 纳西族 景颇族 柯尔克孜族 土族 "
    "达斡尔族 仫佬族 羌族 布朗族 撒拉族 毛南族 仡佬族 锡伯族 阿昌族 普米族 塔吉克族 怒族 "
    "乌孜别克族 俄罗斯族 鄂温克族 德昂族 保安族 裕固族 京族 塔塔尔族 独龙族 鄂伦春族 赫哲族 "
    "门巴族 珞巴族 基诺族 其他 外国血统"
)
NATIONS = frozenset(_NATION_LIST.split())
YES = frozenset({"是", "有", "√", "y", "yes", "1", "true"})
NO = frozenset({"否", "无", "×", "n", "no", "0", "false", "不享受", "未享受"})


def label(table: Table, key: str, *, language: str = "zh") -> str:
    """What people see for an id: the national label, or its English words; "" for ""."""
    if language != "zh":
        return key.replace("_", " ")
    return next((name for name, value in table.items() if value == key), "")
