"""The critical-difference diagram of a board, and what its tests tell apart."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from tiltyard.report.figures import Figure
from tiltyard.report.format import number, share
from tiltyard.report.view import TierView
from tiltyard.stats import LEVEL, Untested

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 560, 190, 16, 20, 30
_NAME = 26


@dataclass(frozen=True, slots=True)
class Differences:
    """What the tests of a board tell apart.

    Attributes:
        ties: groups of which no two implementations differ by the corrected pairwise tests.
        figure: the critical-difference diagram; None where no Friedman test can be made.
        sentence: the Friedman test in words, or why there is none.
    """

    ties: Sequence[Sequence[str]]
    figure: Figure | None
    sentence: str


def differences(tier: TierView) -> Differences:
    """Return what the tests of a tier's board tell apart."""
    analysis = tier.analysis
    ties = [group for group in analysis.ties if len(group) > 1]
    test = analysis.friedman
    if isinstance(test, Untested):
        return Differences(ties, None, f"No critical-difference diagram: {test.reason}.")
    verdict = "differ" if test.p_value < LEVEL else "are not shown to differ"
    sentence = (
        f"Friedman's test on {test.problems} problems: p = {number(test.p_value)}, so the "
        f"implementations {verdict} at the {share(LEVEL)} level. Mean ranks less than "
        f"{test.critical_difference:.2f} apart (Nemenyi) may well be chance."
    )
    ranks = sorted(zip(test.mean_ranks.tolist(), analysis.ranked, strict=True))
    return Differences(ties, _diagram(ranks, test.critical_difference, tier.style), sentence)


def _diagram(ranks: Sequence[tuple[float, str]], critical: float, style: dict[str, str]) -> Figure:
    """Return a line for each implementation: where two bars overlap, the ranks are not apart."""
    low = min(1.0, ranks[0][0] - critical / 2)
    high = max(float(len(ranks)), ranks[-1][0] + critical / 2)
    scale = (_WIDTH - _LEFT - _RIGHT) / (high - low)
    height = _TOP + _ROW * len(ranks) + 8

    def across(rank: float) -> float:
        return round(_LEFT + (rank - low) * scale, 1)

    step = max(1, len(ranks) // 8)
    parts = [
        f'<path class="grid" d="M{across(rank):g},{_TOP - 6}V{height}"/>'
        f'<text x="{across(rank):g}" y="{_TOP - 12}" text-anchor="middle">{rank}</text>'
        for rank in range(1, len(ranks) + 1, step)
    ]
    for index, (rank, name) in enumerate(ranks):
        y = _TOP + _ROW * index + _ROW // 2
        short = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
        parts.append(
            f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{html.escape(short)}</text>'
            f'<g class="{style[name].partition(" ")[0]} mark">'
            f"<title>{html.escape(name)}: mean rank {rank:.2f}</title>"
            f'<path d="M{across(rank - critical / 2):g},{y}H{across(rank + critical / 2):g}"/>'
            f'<circle cx="{across(rank):g}" cy="{y}" r="4"/></g>'
        )
    described = "; ".join(f"{name} {rank:.2f}" for rank, name in ranks)
    svg = (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {height}" role="img">'
        "<title>Critical-difference diagram</title>"
        f"<desc>Mean ranks, 1 is best: {html.escape(described)}.</desc>{''.join(parts)}</svg>"
    )
    return Figure(
        svg,
        "Mean rank over the problems, 1 is best. Each bar is as wide as the critical difference: "
        "where two bars overlap, the two are not told apart.",
    )
