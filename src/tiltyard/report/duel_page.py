"""The page of two implementations: who is better where, and by how much."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from tiltyard.names import parse_name
from tiltyard.report.addresses import implementation_address, problem_address
from tiltyard.report.conditions import describe_board
from tiltyard.report.figures import Figure
from tiltyard.report.format import count, level, number, seconds, share
from tiltyard.report.svg import Plot, Shape, log_axis
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.view import Duel, SuiteView, TierView
from tiltyard.stats import LEVEL, MINIMUM_PROBLEMS, HeadToHead, Outcome

_SHAPES: dict[Outcome, Shape] = {"win": "dot", "loss": "triangle", "tie": "square"}
_STYLES: dict[Outcome, str] = {"win": "s0 d0", "loss": "s1 d0", "tie": "s4 d0"}


def duel_values(
    view: SuiteView, first: str, second: str, results: Mapping[str, Duel]
) -> dict[str, Any]:
    """Return what the page of two implementations shows.

    Args:
        view: their suite's.
        first: an implementation.
        second: another one.
        results: their times compared, by the section of the tier, track and kind.
    """
    suite = view.suite.name
    return {
        "suite": view.suite,
        "first": first,
        "second": second,
        "first_page": implementation_address(suite, first),
        "second_page": implementation_address(suite, second),
        "tiers": [
            _tier(view, tier, first, second, results[tier.anchor])
            for tier in view.tiers
            if tier.anchor in results
        ],
    }


def _tier(view: SuiteView, tier: TierView, first: str, second: str, duel: Duel) -> dict[str, Any]:
    board, target, result = tier.board, duel.target, duel.result
    labels = tier.contenders[first], tier.contenders[second]
    times = [board.medians(target)[board.implementations.index(label)] for label in labels]
    return {
        "name": board.scope,
        "anchor": tier.anchor,
        "is_smoke": board.tier == "smoke",
        "conditions": describe_board(board, view.environments),
        "labels": [label for label in labels if label not in {first, second}],
        "target": level(target),
        "summary": _summary(first, second, result),
        "test": _test(tier, *labels),
        "figure": _scatter(board.problems, times, result, (first, second), level(target)),
        "families": _families(board.problems, result, first, second),
        "problems": _problems(view, tier, times, duel, (first, second)),
    }


def _summary(first: str, second: str, result: HeadToHead) -> dict[str, str]:
    ratio = "no problem on which both reached the gap"
    if not math.isnan(result.mean_ratio):
        ratio = _ratio(result.mean_ratio, first, second)
        if not math.isnan(result.mean_low):
            ends = f"{number(result.mean_low)} to {number(result.mean_high)}"
            ratio += f" (ratio {number(result.mean_ratio)}, 95\xa0% interval {ends})"
    return {
        f"{first} is faster": count(result.outcomes.count("win"), "problem"),
        f"{second} is faster": count(result.outcomes.count("loss"), "problem"),
        "tied": count(result.outcomes.count("tie"), "problem"),
        "neither reached the gap": count(result.outcomes.count("neither"), "problem"),
        f"only {first} reached it": count(result.only_first, "problem"),
        f"only {second} reached it": count(result.only_second, "problem"),
        "geometric mean where both did": ratio,
    }


def _ratio(ratio: float, first: str, second: str) -> str:
    """Return a ratio of times in words."""
    if not 0 < ratio < math.inf:
        return f"only {first} reached it" if ratio == 0 else f"only {second} reached it"
    if number(ratio) == "1.00":
        return "as fast"
    faster, times = (first, 1 / ratio) if ratio < 1 else (second, ratio)
    return f"{faster} is {number(times)} times faster"


def _test(tier: TierView, first: str, second: str) -> str:
    """Return the corrected test over all targets in words."""
    analysis = tier.analysis
    if first not in analysis.ranked or second not in analysis.ranked:
        return "There is no test, as one of the two is not ranked."
    i, j = analysis.ranked.index(first), analysis.ranked.index(second)
    p_value = float(analysis.tests.corrected[i, j])
    if math.isnan(p_value):
        return f"There is no test: it takes {MINIMUM_PROBLEMS} problems in common."
    effect = float(analysis.tests.rank_biserial[i, j])
    told = "are told apart" if analysis.different(first, second) else "count as tied"
    return (
        f"Over all targets the two {told} at the {share(LEVEL)} level: p = {number(p_value)} by "
        "the signed-rank test on credits, with Holm's correction for every pair of this board; "
        f"effect size (rank-biserial) {effect:+.2f} for {first}, where +1 is better on every "
        "problem and -1 on none."
    )


def _scatter(
    problems: list[str],
    times: list[Any],
    result: HeadToHead,
    names: tuple[str, str],
    target: str,
) -> Figure | None:
    """Return the two times on every problem that one of them solved; what missed is on the edge."""
    finite = np.concatenate([one[np.isfinite(one)] for one in times])
    if not finite.size:
        return None
    low, high = max(float(finite.min()), 1e-9), max(float(finite.max()), 1e-9)
    x_axis, y_axis = (log_axis(f"seconds of {name[:40]}", low, high) for name in names)
    won, lost = (count(result.outcomes.count(one), "problem") for one in ("win", "loss"))
    plot = Plot(
        f"{names[0]} against {names[1]}",
        f"Seconds to gap {target} on each problem, both logarithmic. Above the diagonal "
        f"{names[0]} is faster: {won}; below it {names[1]}: {lost}.",
        x_axis,
        y_axis,
    )
    plot.diagonal()
    for problem, x, y, outcome in zip(problems, *times, result.outcomes, strict=True):
        if outcome in _SHAPES:
            tip = f"{problem}: {seconds(float(x))} and {seconds(float(y))}"
            spot = (min(float(x), x_axis.high), min(float(y), y_axis.high))
            shape: Shape = _SHAPES[outcome] if np.isfinite([x, y]).all() else "cross"
            plot.mark(tip, spot, _STYLES[outcome], shape)
    return Figure(
        plot.text(),
        f"Above the diagonal {names[0]} is faster (dots), below it {names[1]} (triangles); "
        "squares are ties. A cross on the edge: the other one missed the gap.",
    )


def _families(problems: list[str], result: HeadToHead, first: str, second: str) -> Table:
    """Return where each is better: outcomes by problem family."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, problem in enumerate(problems):
        found[parse_name(problem)[0]].append(index)
    rows = []
    for family, indices in sorted(found.items()):
        outcomes = [result.outcomes[index] for index in indices]
        known = result.ratios[indices]
        known = known[np.isfinite(known) & (known > 0)]
        mean = float(np.exp(np.log(known).mean())) if known.size else math.nan
        amounts = [outcomes.count(one) for one in ("win", "tie", "loss")]
        cells = [Cell(str(amount), value=amount) for amount in amounts]
        text = "-" if math.isnan(mean) else _ratio(mean, first, second)
        rows.append([Cell(family), *cells, Cell(text, value=mean)])
    heads = [first, "tied", second]
    columns = [Column("family"), *(Column(head, "problems won", numeric=True) for head in heads)]
    return Table("Where each is better", [*columns, Column("geometric mean")], rows)


def _problems(
    view: SuiteView,
    tier: TierView,
    times: list[Any],
    duel: Duel,
    names: tuple[str, str],
) -> Table:
    result = duel.result
    words = {"win": names[0], "loss": names[1], "tie": "tied", "neither": "neither reached it"}
    rows = []
    for index, problem in enumerate(tier.board.problems):
        outcome = result.outcomes[index]
        if outcome == "missing":
            continue
        ratio, low = float(result.ratios[index]), float(result.low[index])
        text = "-" if math.isnan(ratio) else _ratio(ratio, *names)
        ends = "" if math.isnan(low) or not 0 < ratio < math.inf else (
            f"{number(low)} to {number(float(result.high[index]))}"
        )  # fmt: skip
        rows.append(
            [
                Cell(problem, href="../" + problem_address(view.suite.name, problem)),
                Cell(words[outcome]),
                *(Cell(seconds(float(one[index])), value=float(one[index])) for one in times),
                Cell(text, value=ratio, note=ends),
            ]
        )
    columns = [
        Column("problem"),
        Column("faster"),
        *(Column(name, "median seconds", numeric=True) for name in names),
        Column("effect, with the ratio's 95\xa0% interval"),
    ]
    return Table(f"Problem by problem, gap {level(duel.target)}", columns, rows)
