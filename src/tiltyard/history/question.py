"""What a bisection asks: which number of which runs, and how a commit is measured for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Benchmark, benchmarks_of
from tiltyard.history.bisect import CannotRun, Measure, last_good
from tiltyard.history.checkout import Checkouts
from tiltyard.history.frame import CONDITIONS
from tiltyard.history.tested import Measurement, value_of
from tiltyard.implementation import Implementation
from tiltyard.names import matches, parse_name
from tiltyard.registry import Registry
from tiltyard.run.plan import TIERS, select_implementations, select_problems, with_defaults
from tiltyard.run.record import Record, Status
from tiltyard.store import Store
from tiltyard.suite import Suite

if TYPE_CHECKING:
    import pandas as pd

_CHOSEN = ("device", "threads", "tier")
"""The conditions that a user may choose; the others are this machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One series of a history, and the runs that measure it at a commit.

    Attributes:
        suite: whose runs they are.
        benchmark: what is measured of them.
        problem: canonical name.
        method: the implementation as it is here; each commit runs its own.
        implementation: its name, or ``name[parameter=value]``.
        device: such as ``cpu``.
        threads: for BLAS, torch and numba.
        tier: as the history calls the budget.
        seconds: the budget of a run.
        seeds: number of samples.
    """

    suite: Suite
    benchmark: Benchmark
    problem: str
    method: Implementation
    implementation: str
    device: str
    threads: str
    tier: str
    seconds: float
    seeds: int

    def arguments(self, store: Path) -> list[str]:
        """Return the command line that makes the runs."""
        options = {
            "--problem": self.problem,
            "--implementation": self.implementation,
            "--seconds": repr(self.seconds),
            "--seeds": str(self.seeds),
            "--device": self.device,
            "--threads": self.threads,
            "--store": str(store),
        }
        return ["run", self.suite.name, *itertools.chain.from_iterable(options.items())]

    def measure_in(self, checkouts: Checkouts) -> Measure:
        """Return what measures a commit in a checkout of its own."""
        numbers = itertools.count()

        def measure(commit: str) -> Measurement:
            store = checkouts.folder / f"{next(numbers)}.db"
            code, complaints = checkouts.call(commit, self.arguments(store))
            records = _records(store)
            if len(records) < self.seeds:
                raise CannotRun(_why(complaints, code))
            return self._measurement(records)

        return measure

    def stored(self, history: pd.DataFrame, commits: Sequence[str]) -> str | None:
        """Return the newest of the commits that is good by a history, None if there is none.

        Args:
            history: from ``frame.read_history``; values of different machines are not compared.
            commits: full hashes, oldest first, the bad one last.
        """
        rows = _rows(history, self.benchmark, self.method, self.implementation)
        for column in ("problem", *_CHOSEN):
            rows = rows[rows[column] == getattr(self, column)]
        found = []
        for _, series in rows.groupby(["machine", "python"]):
            columns = (series[name] for name in ("commit", "value", "samples"))
            values = {
                commit: value_of(self.benchmark.kind, samples or [value])
                for commit, value, samples in zip(*columns, strict=True)
            }
            found.append(last_good(commits, values, self.benchmark.kind))
        return max(filter(None, found), key=commits.index, default=None)

    def _measurement(self, records: Sequence[Record]) -> Measurement:
        """Return the benchmark's samples.

        Raises:
            CannotRun: the runs do not apply here, or are of another version of the suite.
        """
        first = records[0]
        if first.status is Status.UNSUPPORTED:
            raise CannotRun(f"unsupported: {first.reason}")
        if first.spec.suite_version != self.suite.version:
            raise CannotRun(
                f"suite {self.suite.name} has version {first.spec.suite_version} there and "
                f"{self.suite.version} here, so values are not comparable"
            )
        values = [self.benchmark.measure(record) for record in records]
        missing = [one for one, v in zip(records, values, strict=True) if not math.isfinite(v)]
        faults = [f"{one.status}: {one.reason}" for one in missing if one.status.fault]
        samples = tuple(value if math.isfinite(value) else math.inf for value in values)
        return Measurement(samples, faults[0] if faults else "")


def ask(  # noqa: PLR0913 - what tells one series from another
    registry: Registry,
    benchmark: str,
    problem: str,
    implementation: str,
    *,
    seeds: int,
    history: pd.DataFrame | None = None,
    device: str | None = None,
    threads: int | None = None,
    tier: str | None = None,
) -> Question:
    """Return the question that names mean.

    Args:
        registry: the suites, problems and implementations as they are here.
        benchmark: asv's name of it.
        problem: a name or a pattern that means one problem.
        implementation: a name, ``name[parameter=value]``, or a pattern that means one.
        seeds: number of samples.
        history: from ``frame.read_history``; tells the conditions that are not given.
        device: as in the history [default: cpu].
        threads: as in the history [default: 1].
        tier: as in the history, or a budget such as ``2s`` [default: the problem's first tier].

    Raises:
        TiltyardError: a name is unknown, or means more than one thing.
    """
    suite, tracked = _benchmark(registry, benchmark)
    method, text = _implementation(registry, suite, implementation)
    names = _problems(registry, suite, problem, tier)
    given = {"device": device, "threads": None if threads is None else str(threads), "tier": tier}
    rows = None if history is None else _rows(history, tracked, method, text)
    known = _known(rows, names, given) or [_usual(registry, suite, name, given) for name in names]
    if len(known) > 1:
        found = "; ".join(", ".join(one.values()) for one in known)
        raise TiltyardError(
            f"{benchmark} {problem} {implementation} means {len(known)} series ({found}); name one "
            "problem, and choose with --device, --threads or --tier"
        )
    return Question(
        suite=suite,
        benchmark=tracked,
        method=method,
        implementation=text,
        seconds=_budget(suite, known[0]["tier"]),
        seeds=seeds,
        **known[0],
    )


def _benchmark(registry: Registry, name: str) -> tuple[Suite, Benchmark]:
    suite = registry.suite(name.partition(".")[0])
    found = {one.name: one for one in benchmarks_of(suite)}
    if name not in found:
        raise TiltyardError(f"unknown benchmark {name!r}; known: {', '.join(found)}")
    return suite, found[name]


def _implementation(registry: Registry, suite: Suite, pattern: str) -> tuple[Implementation, str]:
    """Return the implementation that a pattern means, and how a command line spells it."""
    found = [method for method, _ in select_implementations(registry, suite.name, [pattern])]
    if len(found) > 1:
        names = ", ".join(method.name for method in found)
        raise TiltyardError(f"{pattern!r} means more than one implementation: {names}; name one")
    return found[0], pattern if "[" in pattern else found[0].name


def _problems(registry: Registry, suite: Suite, pattern: str, tier: str | None) -> list[str]:
    """Return the canonical names of the problems that a pattern means."""
    tiers = [tier] if tier in TIERS else TIERS
    families = registry.families_of(suite.name)
    names = (name for one in tiers for family in families for name in family.names(one))
    found = dict.fromkeys(name for name in names if matches(pattern, name))
    return list(found) or select_problems(registry, suite.name, tiers[0], [pattern])


def _known(
    rows: pd.DataFrame | None, problems: Sequence[str], given: Mapping[str, str | None]
) -> list[dict[str, str]]:
    """Return the problems and conditions of the history's rows that meet what is given."""
    if rows is None:
        return []
    rows = rows[rows["problem"].isin(problems)]
    for column, value in given.items():
        rows = rows if value is None else rows[rows[column] == value]
    columns = ["problem", *_CHOSEN]
    values = rows[columns].drop_duplicates().to_numpy().tolist()
    return [dict(zip(columns, map(str, row), strict=True)) for row in values]


def _usual(
    registry: Registry, suite: Suite, problem: str, given: Mapping[str, str | None]
) -> dict[str, str]:
    """Return the conditions of a problem that the history does not know."""
    families = registry.families_of(suite.name)
    tiers = (one for one in TIERS if any(problem in family.names(one) for family in families))
    return {
        "problem": problem,
        "device": given["device"] or "cpu",
        "threads": given["threads"] or "1",
        "tier": given["tier"] or next(tiers, TIERS[0]),
    }


def _budget(suite: Suite, tier: str) -> float:
    """Return the seconds that a history's tier stands for."""
    if tier in suite.tiers:
        return suite.tiers[tier].seconds
    try:
        seconds = float(tier.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not (math.isfinite(seconds) and seconds > 0):
        known = ", ".join(suite.tiers)
        raise TiltyardError(f"tier {tier!r} is none of {known}, nor a budget such as 2s")
    return seconds


def _rows(
    history: pd.DataFrame, benchmark: Benchmark, method: Implementation, implementation: str
) -> pd.DataFrame:
    """Return the history's rows of a benchmark's version and of an implementation.

    asv's tables have a row for every problem with every implementation. Where nothing at all is
    known of a pair, it was not run there; where only this number is missing, the runs had none.
    """
    names = history["implementation"].unique()
    same = [name for name in names if _same(method, name, implementation)]
    rows = history[history["implementation"].isin(same)]
    pair = [*CONDITIONS, "problem", "implementation", "commit"]
    ran = rows.groupby(pair)["value"].transform("count") > 0
    wanted = (rows["benchmark"] == benchmark.name) & (rows["version"] == benchmark.version)
    return rows[ran & wanted]


def _same(method: Implementation, name: str, implementation: str) -> bool:
    """Whether two names mean this implementation with the same parameters."""
    (first, its), (second, others) = parse_name(name), parse_name(implementation)
    try:
        return first == second and with_defaults(method, its) == with_defaults(method, others)
    except TiltyardError:  # the history may know parameters that are no longer there
        return False


def _records(path: Path) -> list[Record]:
    """Return the records that a commit's code left, by seed.

    Raises:
        CannotRun: that code writes what this one cannot read.
    """
    if not path.exists():
        return []
    try:
        with Store(path) as store:  # not readonly: an older schema is brought up to date
            return sorted(store.records(), key=lambda record: record.spec.seed)
    except (TiltyardError, TypeError, KeyError, ValueError) as error:
        raise CannotRun(f"its records cannot be read here: {error}") from None


def _why(complaints: str, code: int) -> str:
    """Return the last line of what a child complained of."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    return lines[-1].removeprefix("tiltyard: ") if lines else f"exit code {code}"
