"""The tables. County leads every key; times are RFC 3339 UTC texts, which sort and compare the same on both engines."""

from app.tables.absences import LateReason, Substitution
from app.tables.base import Base, BigKey, JoiningSession, db
from app.tables.cases import (
    CaseRow,
    CommandRow,
    Counter,
    DisclosureRow,
    EvidenceFile,
    EvidenceUse,
    JournalRow,
    KeptText,
    Wait,
)
from app.tables.clocks import DeadlineRow, DutyAct, DutyPeriod, DutyReport, DutyRun
from app.tables.households import Household, Member
from app.tables.messages import (
    ChannelAddress,
    Mail,
    Nudge,
    OutboxRow,
    Reminder,
    ReminderDelivery,
    Urging,
    Webhook,
    WebhookDelivery,
)
from app.tables.people import ApiToken, Appointment, Area, LoginFailure, LoginSession, User
from app.tables.seals import SealCheckpoint, SealedCase, SealHead, SealLeaf, SealNode
from app.tables.system import APPEND_ONLY, AccessRow, ApiCommand, CalendarRow, Heartbeat, LedgerHead, RuleRun, Setting

__all__ = [
    "APPEND_ONLY",
    "AccessRow",
    "ApiCommand",
    "ApiToken",
    "Appointment",
    "Area",
    "Base",
    "BigKey",
    "CalendarRow",
    "CaseRow",
    "ChannelAddress",
    "CommandRow",
    "Counter",
    "DeadlineRow",
    "DisclosureRow",
    "DutyAct",
    "DutyPeriod",
    "DutyReport",
    "DutyRun",
    "EvidenceFile",
    "EvidenceUse",
    "Heartbeat",
    "Household",
    "JoiningSession",
    "JournalRow",
    "KeptText",
    "LateReason",
    "LedgerHead",
    "LoginFailure",
    "LoginSession",
    "Mail",
    "Member",
    "Nudge",
    "OutboxRow",
    "Reminder",
    "ReminderDelivery",
    "RuleRun",
    "SealCheckpoint",
    "SealHead",
    "SealLeaf",
    "SealNode",
    "SealedCase",
    "Setting",
    "Substitution",
    "Urging",
    "User",
    "Wait",
    "Webhook",
    "WebhookDelivery",
    "db",
]
