"""``tiltyard history bisect``: which commit brought a regression."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.cli import options as opt

if TYPE_CHECKING:  # imported when the command runs
    import pandas as pd

    from tiltyard.git import Repository
    from tiltyard.history.bisect import Bisection
    from tiltyard.history.question import Question
    from tiltyard.history.tested import Tested


def bisect(
    benchmark: Annotated[
        str, typer.Argument(help="As asv names it, such as cvar.track_seconds_to_1e_4.")
    ],
    problem: Annotated[str, typer.Argument(help="A name, or a glob that means one problem.")],
    implementation: Annotated[str, typer.Argument(help="A name, or name[parameter=value].")],
    good: Annotated[
        str | None,
        typer.Option(help="A commit before the regression [default: the history's newest one]."),
    ] = None,
    bad: Annotated[str, typer.Option(help="A commit with the regression.")] = "HEAD",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 6,
    tier: Annotated[
        str | None, typer.Option(help="A tier or a budget such as 2s [default: the history's].")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or cuda:N [default: the history's].")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="For BLAS and torch [default: the history's].")
    ] = None,
    as_json: opt.Json = False,
) -> int:
    """Find the commit that brought a regression, by runs at the commits between good and bad.

    Each commit is run with its own code in a checkout of its own; your working tree stays as it is.
    Exit code 1 if the regression does not show on this machine, or noise hides what brought it.
    """
    from tiltyard.cli.screen import print_json
    from tiltyard.git import Repository
    from tiltyard.history.bisect import bisect as find
    from tiltyard.history.checkout import Checkouts
    from tiltyard.history.question import ask
    from tiltyard.registry import registry

    repository = Repository(Path.cwd())
    last = repository.resolve(bad)
    history, lacking = _history()
    question = ask(
        registry(),
        benchmark,
        problem,
        implementation,
        seeds=seeds,
        history=history,
        tier=tier,
        device=device,
        threads=threads,
    )
    first = repository.resolve(good or _stored_good(repository, question, history, last, lacking))
    commits = repository.between(first, last)
    if lacking:
        typer.echo(f"conditions are not taken from a history: {lacking}", err=True)
    if not as_json:
        typer.echo(_plan(question, commits))

    def watch(tested: Tested) -> None:
        if not as_json:
            typer.echo(_line(repository, question, tested))

    with Checkouts(repository, Path.cwd()) as checkouts:
        measure = question.measure_in(checkouts)
        found = find(first, commits, measure, question.benchmark.kind, watch)
    if as_json:
        print_json(_plain(repository, question, found))
    else:
        typer.echo(_sentence(repository, question, found))
    return 0 if found.confirmed else 1


def _history() -> tuple[pd.DataFrame | None, str]:
    """Return the history of the working folder, or why there is none."""
    from tiltyard.errors import TiltyardError
    from tiltyard.history.frame import read_history
    from tiltyard.history.project import open_project

    try:
        return read_history(open_project(Path.cwd())), ""
    except TiltyardError as error:
        return None, str(error)


def _stored_good(
    repository: Repository,
    question: Question,
    history: pd.DataFrame | None,
    bad: str,
    lacking: str,
) -> str:
    """Return the newest good commit before the bad one that the history knows."""
    from tiltyard.errors import TiltyardError

    line = repository.history(bad)
    if history is None:
        raise TiltyardError(f"which commit is good? name it with --good ({lacking})")
    found = question.stored(history, line)
    if found is None:
        raise TiltyardError(
            f"the history knows no commit before {bad[:10]} that was better; name one with --good"
        )
    return found


def _plan(question: Question, commits: Sequence[str]) -> str:
    """Return what is about to be run."""
    tests = math.ceil(math.log2(len(commits)))
    return (
        f"{question.benchmark.name} of {question.implementation} on {question.problem}, "
        f"{question.tier}, {question.device}, threads {question.threads}, seeds {question.seeds}: "
        f"both ends twice, then about {tests} of the {len(commits) - 1} commits between"
    )


def _line(repository: Repository, question: Question, tested: Tested) -> str:
    """Return what is told of a commit once it is tested."""
    value = _value(question, tested, spread=True) if tested.measurements else "-"
    reason = f" ({tested.reason})" if tested.reason else ""
    subject = repository.subject(tested.commit)
    return f"{tested.mark:<7}  {tested.commit[:10]}  {value}  {subject}{reason}"


def _sentence(repository: Repository, question: Question, found: Bisection) -> str:
    """Return the found in words."""
    if found.before is None or found.after is None:
        values = (_value(question, one, spread=True) for one in (found.bad, found.good))
        why = "is within the noise" if found.bad.value > found.good.value else "is no worse"
        return (
            f"the regression does not show here: {' instead of '.join(values)} {why}; try more "
            "--seeds, or the machine that measured it"
        )
    values = (_value(question, one) for one in (found.after, found.before))
    changed = " instead of ".join(values)
    return f"{_named(repository, found)}: {changed}{_doubts(repository, found)}"


def _named(repository: Repository, found: Bisection) -> str:
    """Return the first bad commit, or those among which it is, in words."""
    first, last, count = found.suspects[0], found.suspects[-1], len(found.suspects)
    if count == 1:
        about = f"{_date(repository, first)}, {repository.subject(first)}"
        return f"{first[:10]} ({about}) is the first bad commit"
    return (
        f"one of the {count} commits from {first[:10]} to {last[:10]} is the first bad commit (all "
        "but the last one were skipped)"
    )


def _doubts(repository: Repository, found: Bisection) -> str:
    """Return what is left to do."""
    if not found.confirmed:
        return (
            "; but measured again side by side, these two do not differ beyond the noise: try more "
            "--seeds, or a machine with nothing else to do"
        )
    merged = repository.merged(found.suspects[0]) if len(found.suspects) == 1 else None
    if not merged:
        return ""
    good, bad = (one[:10] for one in merged)
    return f"; it is a merge, and --good {good} --bad {bad} searches among what it merged"


def _value(question: Question, tested: Tested, *, spread: bool = False) -> str:
    if math.isinf(tested.value):
        return "no value"
    around = f" ± {tested.spread:.2g}" if spread and tested.spread else ""
    return f"{tested.value:.4g}{around} {question.benchmark.unit}"


def _date(repository: Repository, commit: str) -> str:
    return f"{dt.datetime.fromtimestamp(repository.date(commit) / 1000, dt.UTC):%Y-%m-%d}"


def _plain(repository: Repository, question: Question, found: Bisection) -> dict[str, Any]:
    """Return the found as plain JSON values; no value is null."""

    def plain(tested: Tested | None) -> dict[str, Any] | None:
        if tested is None:
            return None
        return {
            "commit": tested.commit,
            "subject": repository.subject(tested.commit),
            "author_date": _date(repository, tested.commit),
            "mark": tested.mark,
            "value": _finite(tested.value),
            "spread": tested.spread,
            "samples": [[_finite(one) for one in m.samples] for m in tested.measurements],
            "reason": tested.reason,
        }

    single = len(found.suspects) == 1
    return {
        "benchmark": question.benchmark.name,
        "unit": question.benchmark.unit,
        "problem": question.problem,
        "implementation": question.implementation,
        "device": question.device,
        "threads": question.threads,
        "tier": question.tier,
        "seeds": question.seeds,
        "good": plain(found.good),
        "bad": plain(found.bad),
        "shown": found.shown,
        "confirmed": found.confirmed,
        "tested": [plain(one) for one in found.tested],
        "suspects": list(found.suspects),
        "first_bad": plain(found.after) if single else None,
        "last_good": plain(found.before),
        "merged": repository.merged(found.suspects[0]) if single else None,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
