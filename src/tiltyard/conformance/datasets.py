"""Checks of datasets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tiltyard.conformance.check import Check, Checks, Skip, perform
from tiltyard.dataset import Arrays, Dataset
from tiltyard.registry import Registry


def check_dataset(registry: Registry, name: str) -> list[Check]:
    """Check a dataset; one that is not downloaded yet is only read."""
    return perform(DATASET_CHECKS, registry.dataset(name))


def _describes(dataset: Dataset) -> Iterator[str]:
    for what in ("summary", "licence", "source"):
        if not getattr(dataset, what).strip():
            yield f"its {what} is empty"


def _loads(dataset: Dataset) -> Iterator[str]:
    arrays = _arrays(dataset)
    if not arrays:
        yield "there are no arrays"
    for key, array in arrays.items():
        if array.flags.writeable:
            yield f"array {key} can be written to"


def _loads_again(dataset: Dataset) -> Iterator[str]:
    first, second = _arrays(dataset), _arrays(dataset)
    if list(first) != list(second):
        yield f"arrays {', '.join(first)}, then {', '.join(second)}"
        return
    for key, array in first.items():
        if array.dtype != second[key].dtype or array.tobytes() != second[key].tobytes():
            yield f"array {key} differs"


def _arrays(dataset: Dataset) -> Arrays:
    if reason := dataset.absent():
        raise Skip(reason)
    arrays = dataset.load()
    if not isinstance(arrays, Mapping):
        raise TypeError(f"the loader returned {type(arrays).__name__}, not a mapping of arrays")
    return arrays


DATASET_CHECKS: Checks[Dataset] = {
    "says what it is, its licence and its source": _describes,
    "loads verified, finite, read-only arrays": _loads,
    "loads the same arrays twice": _loads_again,
}
