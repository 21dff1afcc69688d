"""The series of a history as arrays.

Values lie on an axis on which a change has the same size everywhere: decimal logarithms of seconds,
bytes and joules, whose noise is multiplicative, and everything else as it is. The level of a commit
is what asv stores, the median of its samples; of a share it is their mean. Commits without a value
are no part of a series.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError, unknown
from tiltyard.history.benchmarks import Kind
from tiltyard.history.frame import SERIES
from tiltyard.history.view import by_commit
from tiltyard.stats import Array

if TYPE_CHECKING:
    import pandas as pd

POSITIVE = (Kind.TIME, Kind.MEMORY, Kind.ENERGY)
"""Kinds on a logarithmic axis; a zero is below the meter's resolution and counts as missing."""

_SAME = 1e-9
"""Relative difference up to which two commits gave the same sample."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series, oldest commit first.

    Attributes:
        kind: of its values.
        positions: (n,) of its commits in the list of commits.
        levels: (n,) of the commits, on the kind's axis.
        samples: for every commit its samples on the same axis, one a seed.
        same: (n - 1,) whether the next commit has the same samples.
    """

    kind: Kind
    positions: NDArray[np.int64]
    levels: Array
    samples: Sequence[Array]
    same: NDArray[np.bool_]

    def level(self, start: int, stop: int) -> float:
        """Return the level of consecutive commits: their median, of a share their mean."""
        if self.kind is Kind.SHARE:
            return float(np.concatenate(self.samples[start:stop]).mean())
        return float(np.median(self.levels[start:stop]))


@dataclass(frozen=True, slots=True)
class Table:
    """S series in arrays.

    Attributes:
        keys: (S rows) the columns ``frame.SERIES`` and ``kind``.
        starts: (S + 1,) series s has the rows ``starts[s]:starts[s + 1]``.
        positions: (rows,) of the commits in the list of commits, increasing within a series.
        levels: (rows,) on the kind's axis, finite.
        offsets: (rows + 1,) row r has the samples ``offsets[r]:offsets[r + 1]``, at least one.
        samples: (offsets[-1],) on the kind's axis, finite.
        same: (rows,) whether the next row has the same samples.
    """

    keys: pd.DataFrame
    starts: NDArray[np.int64]
    positions: NDArray[np.int64]
    levels: Array
    offsets: NDArray[np.int64]
    samples: Array
    same: NDArray[np.bool_]

    def __getitem__(self, index: int) -> Series:
        first, stop = self.starts[index : index + 2]
        ends = itertools.pairwise(self.offsets[first : stop + 1])
        return Series(
            Kind(self.keys["kind"].iloc[index]),
            self.positions[first:stop],
            self.levels[first:stop],
            [self.samples[start:end] for start, end in ends],
            self.same[first : stop - 1],
        )

    @property
    def counts(self) -> NDArray[np.int64]:
        """(S,) numbers of commits."""
        return np.diff(self.starts)

    @property
    def last(self) -> NDArray[np.int64]:
        """(S,) positions of the last commits."""
        return self.positions[self.starts[1:] - 1]

    @property
    def varies(self) -> NDArray[np.bool_]:
        """(S,) whether tests are needed: a share that changes, or samples that do not repeat.

        The last commit is not asked whether it repeats the one before.
        """
        first, stop = self.starts[:-1], self.starts[1:]
        again = np.concatenate([[0], np.cumsum(self.same)])
        pairs = np.maximum(self.counts - 2, 0)
        repeated = again[np.maximum(stop - 2, first)] - again[first]
        noisy = (repeated == 0) | (2 * repeated < pairs)
        share = (self.keys["kind"] == Kind.SHARE).to_numpy()
        changes = np.maximum.reduceat(self.levels, first) > np.minimum.reduceat(self.levels, first)
        return np.where(share, changes, noisy)

    def by_kind(self, chosen: NDArray[np.int64]) -> Iterator[tuple[Kind, NDArray[np.int64]]]:
        """Yield each kind with those of the chosen series that have it."""
        kinds = self.keys["kind"].to_numpy()[chosen]
        for kind in np.unique(kinds):
            yield Kind(kind), chosen[kinds == kind]

    def aligned(self, values: Array, chosen: NDArray[np.int64]) -> Array:
        """Return (chosen, commits) values of rows, NaN on the left of shorter series."""
        counts = self.starts[chosen + 1] - self.starts[chosen]
        width = int(counts.max(initial=0))
        back = np.arange(width)[None, ::-1]
        rows = self.starts[chosen + 1, None] - 1 - back
        return np.where(back < counts[:, None], values[np.maximum(rows, 0)], np.nan)


def read(frame: pd.DataFrame, commits: Sequence[str], kinds: Sequence[str]) -> Table:
    """Return the series of some kinds over these commits.

    Args:
        frame: as ``frame.read_history`` returns it; ``date``, ``unit``, ``low`` and ``high`` are
            not needed.
        commits: full hashes, oldest first; rows of other commits are dropped.
        kinds: which ``Kind``s are wanted.

    Raises:
        TiltyardError: a missing column, an unknown kind, two rows for one commit of a series, or a
            value that its kind cannot have.
    """
    for column in (*SERIES, "commit", "kind", "value", "samples"):
        if column not in frame.columns:
            raise TiltyardError(f"the history has no column {column!r}; see frame.read_history")
    for kind in {*kinds, *frame["kind"].unique()} - set(Kind):
        raise unknown("kind", str(kind), Kind)
    rows = by_commit(frame[frame["kind"].isin(kinds) & frame["value"].notna()], commits)
    # Without samples the value is the only one.
    lists = [
        samples if isinstance(samples, list) and samples else [value]
        for samples, value in zip(rows["samples"], rows["value"], strict=True)
    ]
    samples = np.array(list(itertools.chain.from_iterable(lists)), dtype=float)
    owner = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))
    values = rows["value"].to_numpy(dtype=float)
    log = rows["kind"].isin(POSITIVE).to_numpy()
    impossible = np.isinf(values) | (log & (values < 0))
    impossible[owner[np.isinf(samples) | (log[owner] & (samples < 0))]] = True
    _refuse(rows, impossible, "infinite or negative; remove that result and measure it again")
    with np.errstate(divide="ignore"):
        values = np.where(log, np.log10(np.where(log, values, 1)), values)
        samples = np.where(log[owner], np.log10(np.where(log[owner], samples, 1)), samples)
    finite = np.isfinite(samples)
    lengths = np.bincount(owner[finite], minlength=len(lists))
    kept = np.isfinite(values) & (lengths > 0)
    return _table(rows[kept], values[kept], lengths[kept], samples[finite & kept[owner]])


def _refuse(rows: pd.DataFrame, wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        row = rows.iloc[int(wrong.argmax())]
        name = ", ".join(str(row[part]) for part in SERIES if row[part])
        raise TiltyardError(f"the value of {name} at commit {row['commit'][:10]} is {what}")


def _table(rows: pd.DataFrame, levels: Array, lengths: NDArray[np.intp], samples: Array) -> Table:
    """Return sorted rows as a table; ``samples`` holds ``lengths`` of them for each row."""
    groups = rows.groupby(list(SERIES), sort=False).ngroup()
    series = np.asarray(groups, dtype=np.int64)
    positions = rows["position"].to_numpy()
    again = (np.diff(series, prepend=-1) == 0) & (np.diff(positions, prepend=-1) == 0)
    _refuse(rows, again, "there twice; keep one of the two")
    starts = np.flatnonzero(np.diff(series, prepend=-1, append=len(series)))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    if len(levels):
        share = (rows["kind"] == Kind.SHARE).to_numpy()
        levels = np.where(share, np.add.reduceat(samples, offsets[:-1]) / lengths, levels)
    return Table(
        keys=rows[[*SERIES, "kind"]].iloc[starts[:-1]].reset_index(drop=True),
        starts=starts,
        positions=positions,
        levels=levels,
        offsets=offsets,
        samples=samples,
        same=_repeated(series, lengths, offsets, samples),
    )


def _repeated(
    series: NDArray[np.int64],
    lengths: NDArray[np.intp],
    offsets: NDArray[np.int64],
    samples: Array,
) -> NDArray[np.bool_]:
    """Return (rows,) whether the next row is of the same series and has the same samples."""
    if not len(series):
        return np.zeros(0, dtype=bool)
    row = np.repeat(np.arange(len(series)), lengths)
    # In the next row, if it is as long.
    partner = np.minimum(np.arange(len(samples)) + lengths[row], len(samples) - 1)
    equal = np.isclose(samples, samples[partner], rtol=_SAME, atol=0)
    same = np.logical_and.reduceat(equal, offsets[:-1])
    same[:-1] &= (np.diff(lengths) == 0) & (np.diff(series) == 0)
    same[-1] = False
    return same


def unit_of(kind: Kind, level: float) -> float:
    """Return a level on the axis of its kind in the unit of its kind."""
    return float(10.0**level) if kind in POSITIVE else level
