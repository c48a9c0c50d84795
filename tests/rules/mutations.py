"""Rules broken on purpose, one at a time: file, what stands there, what stands instead, what the checker must say."""

CASE, STATUS, HELP, PACK = "household_case", "monitor_status", "assist", "national"
AUDIT_GUARDS = """guards = [
  {guard = "status_in", purposes = ["eliminate"], states = ["active"]},
  {guard = "elimination_conditions", purposes = ["eliminate"]},
]
"""


def row(timer: str, unit: str, amount: int, bound: str = "max", *, definition: str = CASE) -> str:
    """A limit as the national pack writes it."""
    return f'timer = "{definition}.{timer}"\nunit = "{unit}"\namount = {amount}\nbound = "{bound}"'


def limit(timer: str, unit: str, amount: int, *, definition: str = CASE) -> str:
    """The whole row of a limit of our own."""
    return f"[[limits]]\n{row(timer, unit, amount, definition=definition)}\nown = true\n"


LONELY = (
    '[[states]]\nid = "limbo"\nlabel = {zh = "无人之境", en = "Limbo"}\ngate = "verify"\nroles = ["village_cadre"]\n'
)
# Two changes at once are written with "§" between them.
MUTATIONS: list[tuple[str, str, str, str, str]] = [
    # A state can't be reached.
    ("extra state", CASE, '[[states]]\nid = "refused"', LONELY + '[[states]]\nid = "refused"', "unreachable_state"),
    ("no stable", STATUS, 'fires = "stabilise"', "", "unreachable_state"),
    ("never none", STATUS, 'to = "@came_from:none"', 'to = "closed_natural"', "unreachable_state"),
    ("never merged", CASE, 'to = "merged"', 'to = "withdrawn"', "unreachable_state"),
    ("plan closes", HELP, 'from = ["planning"]\nto = "assisting"', 'from = ["planning"]\nto = "ended"', "unreachable_state"),
    # An act can never be done.
    ("nobody may merge", CASE, 'roles = ["township_officer", "township_leader", "county_lead"]\nfields = ["merged_into"', 'roles = []\nfields = ["merged_into"', "idle_action"),
    ("nobody may flag", STATUS, 'id = "flag_safety_net"\nlabel = {zh = "标注兜底保障户", en = "Flag as safety-net household"}\nfrom = ["active"]', 'id = "flag_safety_net"\nlabel = {zh = "标注兜底保障户", en = "Flag as safety-net household"}\nfrom = ["none"]', "help_without_gates"),
    ("appeal for nobody", CASE, 'states = ["none", "eliminated_observing", "eliminated_stable"]},\n  {guard = "status_in", purposes = ["eliminate"], states = ["active"]},\n]\n\n[[actions]]\nid = "uphold_appeal"', 'states = ["candidate"]},\n  {guard = "status_in", purposes = ["eliminate"], states = ["candidate"]},\n]\n\n[[actions]]\nid = "uphold_appeal"', "idle_action"),
    # A state can't be left, or no end is reached.
    ("nobody tells", CASE, 'gate = "nominate"\nroles = ["village_cadre", "township_officer"]', 'gate = "nominate"\nroles = []', "stuck_state"),
    ("nobody checks objections", CASE, 'gate = "village_review"\nroles = ["village_cadre", "resident_team"]\npauses = "objection_pauses"', 'gate = "village_review"\nroles = []\npauses = "objection_pauses"', "idle_action"),
    ("appeals for ever", CASE, 'gate = "township_audit"\nroles = ["township_officer", "township_leader"]\n[[states]]', 'gate = "township_audit"\nroles = []\n[[states]]', "stuck_state"),
    ("status never closed", STATUS, 'closed = true', "", "no_final_state"),
    ("concluded is no end", CASE, 'en = "Concluded"}\nclosed = true', 'en = "Concluded"}', "no_final_state"),
    # Help without the gates, without the whole notice.
    ("include at audit", CASE, 'on = ["county_approve"]\npurposes = ["include"]', 'on = ["township_audit"]\npurposes = ["include"]', "help_without_gates"),
    ("include at review", CASE, 'on = ["county_approve"]\npurposes = ["include"]', 'on = ["record_review"]\npurposes = ["include"]', "help_without_gates"),
    ("objection leaps", CASE, 'to = "@step:publicize"', 'to = "@step:county_approve"', "help_without_gates"),
    ("appeal leaps", CASE, 'to = "@step:verify"', 'to = "@step:county_approve"', "help_without_gates"),
    ("nomination begins help", CASE, 'on = ["fast_track"]', 'on = ["nominate"]', "help_without_gates"),
    ("clue includes", STATUS, 'id = "open_candidate"\nlabel = {zh = "列为待认定", en = "Becomes a candidate"}\nfrom = ["@new", "none", "eliminated_observing", "eliminated_stable"]\nto = "candidate"', 'id = "open_candidate"\nlabel = {zh = "列为待认定", en = "Becomes a candidate"}\nfrom = ["@new", "none", "eliminated_observing", "eliminated_stable"]\nto = "active"', "help_without_gates"),
    ("help at a clue", STATUS, 'on = ["include"]\ndefinition = "assist"', 'on = ["open_candidate", "include"]\ndefinition = "assist"', "help_without_gates"),
    ("notice is not awaited", CASE, 'guards = [{guard = "minimum_elapsed", timer = "publicity_min"}]\n', "", "help_without_notice"),
    ("notice counted from the review", CASE, 'starts_on = ["post_notice"]', 'starts_on = ["record_review"]', "help_without_notice"),
    ("notice ends with an objection", CASE, 'ends_on = ["close_publicity", "return_case", "uphold_objection"]', 'ends_on = ["close_publicity", "return_case", "uphold_objection", "object"]', "help_without_notice"),
    ("notice never starts", CASE, 'starts_on = ["post_notice"]', 'starts_on = ["announce"]', "help_without_notice"),
    ("elimination at audit", CASE, 'on = ["county_approve"]\npurposes = ["eliminate"]', 'on = ["township_audit"]\npurposes = ["eliminate"]', "exit_without_gates"),
    ("elimination by a clue", CASE, 'on = ["report_clue"]\npurposes = ["include"]\ndefinition = "monitor_status"\naction = ["open_candidate"]', 'on = ["report_clue"]\ndefinition = "monitor_status"\naction = ["open_candidate", "eliminate"]', "exit_without_gates"),
    # Help first, and how it ends.
    ("early help stays", STATUS, 'on = ["drop_candidate"]', 'on = ["flag_safety_net"]', "early_help_left"),
    ("early help untimed", PACK, limit("complete_procedure", "calendar_days", 30), "", "early_help_untimed"),
    ("early help timed from the refusal", CASE, 'starts_on = ["fast_track"]', 'starts_on = ["refuse"]', "early_help_untimed"),
    # Entry and exit.
    ("exit without waiting", CASE, 'timer = "publicity_min"}]', 'timer = "publicity_min", purposes = ["include"]}]', "gates_differ"),
    ("entry without waiting", CASE, 'timer = "publicity_min"}]', 'timer = "publicity_min", purposes = ["eliminate"]}]', "gates_differ"),
    ("audit may be left out", CASE, 'id = "township_audit"\ngate = "township_audit"\nrequired = true', 'id = "township_audit"\ngate = "township_audit"', "gate_missing"),
    ("posting may be left out", CASE, 'id = "post"\ngate = "village_review"\nrequired = true', 'id = "post"\ngate = "village_review"', "gate_missing"),
    # Hands.
    ("one verifier, nothing separate", CASE, 'separate_hands = ["verify", "township_audit", "county_approve"]§sign = {mode = "any", count = 2}', "separate_hands = []§", "one_person_alone"),
    ("two verifiers, nothing separate", CASE, 'separate_hands = ["verify", "township_audit", "county_approve"]', "separate_hands = []", "hands_not_separate"),
    ("audit not separate", CASE, 'separate_hands = ["verify", "township_audit", "county_approve"]', 'separate_hands = ["verify", "county_approve"]', "hands_not_separate"),
    # Periods: start, end, reader.
    ("starts on nothing", CASE, 'starts_on = ["object"]', 'starts_on = ["objection"]', "timer_no_start"),
    ("no start at all", CASE, 'starts_on = ["appeal"]\n', "", "timer_no_start"),
    ("no limit", PACK, limit("objection_check", "working_days", 5), "", "timer_no_start"),
    ("a timer of no step", CASE, '[[timers]]\nid = "clue_accept"', '[[timers]]\nid = "tea"\nlabel = {zh = "茶歇", en = "Tea"}\n[[timers]]\nid = "clue_accept"', "timer_no_start"),
    ("ends on nothing", CASE, 'ends_on = ["tell_refusal"]', 'ends_on = ["tell_all"]', "timer_no_end"),
    ("no end at all", CASE, 'starts_on = ["report_clue", "uphold_appeal"]\nends_on = ["county_approve"]', 'starts_on = ["report_clue", "uphold_appeal"]', "timer_no_end"),
    ("plan never in time", HELP, 'runs_in = ["assigning", "planning"]\n', "", "timer_no_end"),
    ("duty fulfilled by nothing", HELP, 'runs_in = ["stable"]\nfulfilled_by = ["record_visit"]', 'runs_in = ["stable"]\nfulfilled_by = ["record_call"]', "timer_no_end"),
    ("a right that no guard reads", CASE, '  {guard = "still_running", timer = "appeal_window"},\n', "", "timer_no_reader"),
    ("a minimum that no guard reads", PACK, row("objection_check", "working_days", 5), row("objection_check", "working_days", 5, "min"), "timer_no_reader"),
    ("fires an act of people", STATUS, 'to = "eliminated_stable"\nsystem = true', 'to = "eliminated_stable"\nroles = ["county_lead"]', "timer_no_reader"),
    ("nobody notes what lapsed", HELP, 'from = "@any"\nto = "@same"\nsystem = true\nrecords = "lapse"', 'from = "@any"\nto = "@same"\nsystem = true', "timer_no_reader"),
    # Limits against minimums.
    ("four days for all", PACK, row("id_total", "calendar_days", 15), row("id_total", "calendar_days", 4), "limit_too_short"),
    ("five days for all", PACK, row("id_total", "calendar_days", 15), row("id_total", "calendar_days", 5), "limit_too_short"),
    ("hours for all", PACK, row("id_total", "calendar_days", 15), row("id_total", "hours", 100), "limit_too_short"),
    ("five working days for all", PACK, row("id_total", "calendar_days", 15), row("id_total", "working_days", 5), "limit_too_short"),
    ("notice as long as all", PACK, row("publicity_min", "calendar_days", 5, "min"), row("publicity_min", "calendar_days", 15, "min"), "limit_too_short"),
    ("notice in working days", PACK, row("publicity_min", "calendar_days", 5, "min"), row("publicity_min", "working_days", 10, "min"), "limit_too_short"),
    ("four days for one source of clue", PACK, limit("clue_accept", "calendar_days", 2), limit("clue_accept", "calendar_days", 2) + limit("id_total", "calendar_days", 4).replace("own", 'sources = ["hotline_12317"]\nown'), "limit_too_short"),
    ("three days for one kind", PACK, limit("clue_accept", "calendar_days", 2), limit("clue_accept", "calendar_days", 2) + limit("complete_procedure", "calendar_days", 3).replace("own", 'kinds = ["former_poor"]\nown'), "limit_too_short"),
    ("procedure after help in three days", PACK, row("complete_procedure", "calendar_days", 30), row("complete_procedure", "calendar_days", 3), "limit_too_short"),
    # Words and clauses.
    ("state without English", CASE, 'label = {zh = "已撤回", en = "Withdrawn"}', 'label = {zh = "已撤回"}', "term_missing"),
    ("gate without Chinese", CASE, 'label = {zh = "村提名", en = "Village nomination"}', 'label = {zh = "", en = "Village nomination"}', "term_missing"),
    ("timer without words", CASE, 'label = {zh = "复核", en = "Deciding the appeal"}', "label = {}", "term_missing"),
    ("option without English", HELP, '{id = "home", zh = "入户", en = "At home"}', '{id = "home", zh = "入户", en = ""}', "term_missing"),
    ("evidence without words", HELP, 'plan = {zh = "一户一策计划表", en = "Plan sheet"}', "plan = {}", "term_missing"),
    ("clause without a place", PACK, 'clause = "N1 公示"', 'clause = "N1"', "clause_missing"),
    ("limit without a clause", PACK, 'clause = "N1 公示"\n', "", "bad_rules"),
    ("term for nothing", PACK, "[[conditions]]\nid = \"min_age\"", '[terms]\n"level.hamlet" = [{zh = "寨", en = "hamlet"}]\n[[conditions]]\nid = "min_age"', "bad_rules"),
    # Rules that nothing reads.
    ("conditions that nobody asks for", CASE, '  {guard = "elimination_conditions", purposes = ["eliminate"]},\n', "", "condition_unread"),
    ("a fact that nobody records", CASE, '"risk_gone", ', "", "condition_unfed"),
    # Effects.
    ("effect misspelt", STATUS, 'action = ["begin", "continue_included"]', 'action = ["begins"]', "effect_broken"),
    ("effect on nothing", CASE, 'on = ["dismiss_appeal"]', 'on = ["dismiss_apeal"]', "effect_broken"),
]  # fmt: skip
