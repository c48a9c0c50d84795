"""``fangpin case``: show a case, act on it, open one from a clue; always as somebody, under the same rules."""

import uuid
from collections.abc import Iterable
from pathlib import Path

import click

from app.cli.console import Console, acting, pass_console
from app.cli.values import read_data
from app.labels import Labels
from app.services import cases, evidence, lists
from app.services.cases import CaseView, Done
from workflows.decide import Allowed
from workflows.model import Actor, Evidence

data_option = click.option(
    "--data",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="金额按元，人员写用户名，多选用逗号 / typed by the field",
)
evidence_option = click.option("--evidence", "files", multiple=True, metavar="KIND=FILE", help="佐证材料 / evidence")
key_option = click.option("--key", default=None, help="幂等标识：重复提交同一标识只办一次 / idempotency key")


@click.group(help="案件：查看、办理、登记线索 / show and act on cases")
def case() -> None:
    """Hold the commands about cases."""


@case.command(help="一案的现状、经过和可办事项 / a case as it stands")
@click.argument("number")
@click.option("--as-of", default="", metavar="YYYY-MM-DD", help="该日终了时的情况 / as it stood at the end of a day")
@acting
@pass_console
def show(console: Console, number: str, as_of: str, username: str) -> None:
    """Print a case as the acting person sees it."""
    with console.running():
        view = cases.case_view(console.actor(username), case=number.upper(), as_of=as_of)
        if as_of:
            console.tell("case.as_of", day=as_of)
        _print_case(console, view)


def _print_case(console: Console, view: CaseView) -> None:
    labels = Labels(console.speech(view.household.area), view.compiled)
    found = view.case
    console.tell(
        "case.title",
        case=found.number,
        label=labels.definition(),
        purpose=labels.purpose(found.purpose),
        state=labels.state(found.state),
        seq=found.seq,
    )
    _print_household(console, view, labels)
    _print_clocks(console, view, labels)
    console.tell("case.entries")
    for entry in view.entries:
        when = labels.speech.time(entry["at"])
        click.echo(
            f"  {entry['seq']:>3}  {when}  {labels.of_act(entry).action(entry['action'])}  {entry['actor']['name']}"
        )
        for item in (i for i in entry["evidence"] if i["sha256"] in view.shared_files):
            households, kinds = view.shared_files[item["sha256"]]
            console.tell("case.shared", kind=labels.evidence(item["kind"]), households=households, kinds=kinds)
    _print_allowed(console, view.allowed, labels)


def _print_household(console: Console, view: CaseView, labels: Labels) -> None:
    household = view.household
    console.tell(
        "case.household",
        number=household.number,
        head=household.head_name,
        count=household.member_count,
        kind=labels.speech.say(f"kind.{household.kind}"),
        village=lists.area_names([household.village]).get(household.village, household.village),
    )


def _print_clocks(console: Console, view: CaseView, labels: Labels) -> None:
    if view.case.clocks:
        console.tell("case.clocks")
    for clock in sorted(view.case.clocks.values(), key=lambda c: c.due):
        left = labels.speech.left(clock.due, view.now)
        console.tell("case.clock", timer=labels.timer(clock.kind), due=labels.speech.last_day(clock.due), left=left)


def _print_allowed(console: Console, allowed: Iterable[Allowed], labels: Labels) -> None:
    items = list(allowed)
    console.tell("case.allowed")
    for item in (i for i in items if i.is_allowed):
        click.echo(f"  {item.action}  {labels.action(item.action)}")
        shown = {
            "fields": [f"{name}（{labels.field(name)}）" for name in item.fields],
            "kinds": [f"{kind}（{_evidence(console, labels, kind)}）" for kind in item.evidence],
            "targets": [f"{name}（{labels.state(name)}）" for name in item.targets],
        }
        for part, found in shown.items():
            if found:
                console.tell(f"case.{part}", names=labels.speech.listed(found))
        for name in item.fields:
            if options := labels.options(name):
                console.tell("case.options", field=name, names=labels.speech.listed(options))
    console.tell("case.why_not")
    for item in items:
        if item.refusal:
            console.labels = labels
            click.echo(f"  {item.action}  {console.sentence(item.refusal)}")


def _evidence(console: Console, labels: Labels, kind: str) -> str:
    return console.say("any") if kind == "@any" else labels.evidence(kind)


@case.command(help="办理一个事项 / carry out an action")
@click.argument("number")
@click.argument("action")
@data_option
@evidence_option
@click.option("--version", type=int, default=None, help="您看到的步数，期间有变化则不办理 / the entry count you saw")
@key_option
@acting
@pass_console
def act(
    console: Console,
    number: str,
    action: str,
    pairs: tuple[str, ...],
    files: tuple[str, ...],
    version: int | None,
    key: str | None,
    username: str,
) -> None:
    """Carry out one action on a case."""
    with console.running():
        actor, number = console.actor(username), number.upper()
        view = cases.case_view(actor, case=number)
        console.labels = Labels(console.speech(view.household.area), view.compiled)
        data = read_data(pairs, view.compiled.fields)
        handed = hand_in(actor, cases.county_of(number), files)
        done = cases.act(
            actor,
            case=number,
            action=action,
            data=data,
            evidence=handed,
            version=version,
            key=key or uuid.uuid4().hex,
        )
        tell_done(console, actor, done)


@case.command(help="为农户登记线索，开启案件 / open a case from a clue")
@click.argument("household")
@click.option("--purpose", type=click.Choice(["include", "eliminate"]), required=True)
@data_option
@evidence_option
@key_option
@acting
@pass_console
def clue(
    console: Console,
    household: str,
    purpose: str,
    pairs: tuple[str, ...],
    files: tuple[str, ...],
    key: str | None,
    username: str,
) -> None:
    """Register a clue."""
    with console.running():
        actor, household = console.actor(username), household.upper()
        compiled = cases.loaded_rules().current(
            "household_case", household[:6].ljust(12, "0"), purpose, console.speech().day
        )
        console.labels = Labels(console.speech(household[:6]), compiled)
        data = read_data(pairs, compiled.fields)
        handed = hand_in(actor, cases.county_of(household), files)
        done = cases.register_clue(
            actor, household=household, purpose=purpose, data=data, evidence=handed, key=key or uuid.uuid4().hex
        )
        tell_done(console, actor, done)


def hand_in(actor: Actor, county: str, files: Iterable[str]) -> list[Evidence]:
    """Take in files given as KIND=FILE; raises BadFile."""
    named = []
    for text in files:
        kind, _, path = text.partition("=")
        if not kind or not Path(path).is_file():
            raise click.BadParameter(f"{text}: KIND=FILE", param_hint="--evidence")
        named.append((kind, Path(path)))
    return [evidence.take_in(actor, county=county, kind=kind, data=path.read_bytes()) for kind, path in named]


def tell_done(console: Console, actor: Actor, done: Done) -> None:
    """Say what a command did, and where the case stands."""
    if done.repeated:
        console.tell("repeated", case=done.case, seq=done.seq)
        return
    view = cases.case_view(actor, case=done.case)
    state = Labels(console.speech(view.household.area), view.compiled).state(view.case.state)
    console.tell("done", case=done.case, seq=done.seq, state=state)


def register(group: click.Group) -> None:
    """Add the commands of this file."""
    group.add_command(case)
