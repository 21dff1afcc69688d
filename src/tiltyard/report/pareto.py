"""Accuracy against what it costs: time, memory, energy, each with its Pareto front."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tiltyard.board import Board
from tiltyard.registry import generator
from tiltyard.report.accuracy import LEAST_GAP
from tiltyard.report.figures import Figure
from tiltyard.report.format import number, quantity
from tiltyard.report.svg import Axis, Plot, log_axis
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.view import TierView
from tiltyard.row import final_gap, seconds_a_call
from tiltyard.run.record import Record, Status
from tiltyard.stats import Array, Front, mean_credit, pareto_front
from tiltyard.stats.bootstrap import Resamples, interval
from tiltyard.suite import Suite

ACCURACY = "share of targets missed"
GAP = "gap"
PARAMETERS = "parameters"
"""The metric that tells how large a model is."""

JOULES, PROVENANCE = "joules", "provenance"
"""Keys of a record's energy."""

_MEBIBYTE = 2.0**20


@dataclass(frozen=True, slots=True)
class Trade:
    """Accuracy against one cost.

    Attributes:
        title: of the section.
        figure: None where no record tells the cost.
        table: the numbers behind it.
        reason: why there is no figure; empty otherwise.
    """

    title: str
    figure: Figure | None = None
    table: Table | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Cost:
    name: str
    unit: str
    of: Callable[[Record], float]
    missing: str = ""
    per: str = " a run"

    @property
    def label(self) -> str:
        """Of its axis."""
        return f"{self.name}{self.per}{f', {self.unit}' if self.unit else ''}"


def trades(tier: TierView) -> list[Trade]:
    """Return accuracy against time, memory and each provenance of energy."""
    costs = [
        _Cost("time", "s", lambda record: record.seconds),
        _Cost("memory", "MiB", _memory, "No record tells its peak memory."),
    ]
    costs += _of_answers(tier.board.suite)
    provenances = {str(r.energy.get(PROVENANCE, "")) for r in tier.board.records if r.energy}
    costs += [
        _Cost(f"energy ({one})" if one else "energy", "J", _energy_of(one))
        for one in sorted(provenances)
    ]
    board = tier.board
    rng = generator("trades", board.pool)
    resamples = Resamples(len(board.problems), len(board.seeds), rng)
    found = [_trade(tier, cost, resamples) for cost in costs]
    if not provenances:
        found.append(
            Trade("Accuracy and energy", reason="No record has energy: no meter was read.")
        )
    return found


def _of_answers(suite: Suite) -> list[_Cost]:
    """Return what the answers of methods that answer once cost: time a call, and parameters."""
    if suite.latency is None:
        return []
    found = [_Cost(f"time a {suite.latency[1]}", "s", partial(seconds_a_call, suite), per="")]
    if any(metric.name == PARAMETERS for metric in suite.metrics):
        # A method without parameters has a place at the left end of the logarithmic axis.
        found.append(_Cost(PARAMETERS, "", _parameters, per=""))
    return found


def _parameters(record: Record) -> float:
    return max(record.metrics.get(PARAMETERS, math.nan), 1.0)


def _memory(record: Record) -> float:
    bytes_ = record.peak_memory_bytes
    return math.nan if bytes_ is None else max(bytes_ / _MEBIBYTE, 1.0)


def _energy_of(provenance: str) -> Callable[[Record], float]:
    def energy(record: Record) -> float:
        if not record.energy or str(record.energy.get(PROVENANCE, "")) != provenance:
            return math.nan
        return float(record.energy.get(JOULES, math.nan))

    return energy


def _trade(tier: TierView, cost: _Cost, resamples: Resamples) -> Trade:
    title = f"Accuracy and {cost.name}"
    names = tier.board.implementations
    error = _errors(tier, resamples)
    spent = np.exp(_means(tier.board.array(lambda record: _log(record, cost)), resamples))
    points = np.stack([error, spent], axis=1)
    known = [i for i in range(len(names)) if not np.isnan(points[i]).any()]
    if not known:
        return Trade(title, reason=cost.missing or f"No record tells its {cost.name}.")
    front = pareto_front(points, (accuracy(tier.board), cost.name))
    return Trade(
        title,
        _figure(tier, cost, points, front, known),
        _table(tier, cost, points, front),
    )


def accuracy(board: Board) -> str:
    """Return what a board's accuracy is measured by; lower is better."""
    return GAP if board.suite.ranking == "gap" else ACCURACY


def _errors(tier: TierView, resamples: Resamples) -> Array:
    """Return (implementations, 3) of the share of targets missed, or the gap's geometric mean."""
    if tier.board.suite.ranking != "gap":
        return _means(_missed(tier), resamples)
    gaps = tier.board.array(lambda record: final_gap(tier.board.suite, record))
    known = np.where(np.isfinite(gaps), np.log(np.maximum(gaps, LEAST_GAP)), np.nan)
    return np.exp(_means(known, resamples))


def _missed(tier: TierView) -> Array:
    """Return (implementations, problems, seeds) the share of the targets that a run missed."""
    costs = np.stack([tier.board.costs(target) for target in tier.board.suite.targets])
    share: Array = np.where(np.isnan(costs).any(axis=0), np.nan, np.isinf(costs).mean(axis=0))
    return share


def _log(record: Record, cost: _Cost) -> float:
    value = math.nan if record.status == Status.UNSUPPORTED else cost.of(record)
    return math.log(max(value, 1e-9)) if math.isfinite(value) else math.nan


def _means(values: Array, resamples: Resamples) -> Array:
    """Return (implementations, 3) low end, mean over problems and high end."""
    mean = mean_credit(values)
    drawn = resamples.means(values)
    low, high = interval(np.where(np.isnan(drawn), mean[:, None], drawn))
    return np.stack([np.fmin(low, mean), mean, np.fmax(high, mean)], axis=1)


def _figure(
    tier: TierView, cost: _Cost, points: Array, front: Front, known: Sequence[int]
) -> Figure:
    spent = points[known, 1]
    plot = Plot(
        f"Accuracy and {cost.name}",
        f"Mean {accuracy(tier.board)} against the geometric mean of {cost.name}. On the front: "
        + ", ".join(tier.board.implementations[i] for i in front.members)
        + ".",
        log_axis(cost.label, float(spent.min()), float(spent.max())),
        _accuracy_axis(tier.board, points[known, 0]),
    )
    ranked = [tier.board.implementations.index(row.implementation) for row in tier.board.rows]
    legend = []
    for place, index in enumerate((one for one in ranked if one in known), start=1):
        name = tier.board.implementations[index]
        (low, value, high), (least, middle, most) = points[index].tolist()
        plot.cross((least, middle, most), (low, value, high), tier.style[name])
        on_front = index in front.members
        tip = f"{name}: {accuracy(tier.board)} {number(value)}, {quantity(middle, cost.unit)}"
        plot.mark(tip, (middle, value), tier.style[name], "square" if on_front else "dot")
        plot.note((middle, value), str(place))
        legend.append((f"{place} {name}", tier.style[name]))
    return Figure(
        plot.text(), "Squares are on the front, numbers as listed; lower left is better.", legend
    )


def _accuracy_axis(board: Board, errors: Array) -> Axis:
    if board.suite.ranking == "gap":
        low, high = float(errors.min()), float(errors.max())
        return log_axis("gap, geometric mean", low, high)
    ticks = tuple((v / 4, f"{v / 4:g}") for v in range(5))
    return Axis(ACCURACY, 0.0, 1.0, log=False, ticks=ticks)


def _table(tier: TierView, cost: _Cost, points: Array, front: Front) -> Table:
    names = tier.board.implementations
    rows = []
    for row in tier.board.rows:
        index = names.index(row.implementation)
        (low, value, high), (least, middle, most) = points[index].tolist()
        place = "on the front" if index in front.members else front.left_out.get(index, "")
        if others := front.dominated.get(index):
            place = f"behind {names[others[0]]}"
            place += f" and {len(others) - 1} more" if len(others) > 1 else ""
        rows.append(
            [
                Cell(row.implementation),
                Cell(place),
                _spread(low, value, high, ""),
                _spread(least, middle, most, cost.unit),
            ]
        )
    columns = [
        Column("implementation"),
        Column("Pareto front"),
        Column(accuracy(tier.board), numeric=True),
        Column(cost.name, numeric=True),
    ]
    return Table(f"Accuracy and {cost.name}, with 95\xa0% intervals", columns, rows)


def _spread(low: float, value: float, high: float, unit: str) -> Cell:
    note = "" if math.isnan(value) else f"{quantity(low, unit)} to {quantity(high, unit)}"
    return Cell(quantity(value, unit), value=value, note=note)
