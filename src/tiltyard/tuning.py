"""Tuning: random configurations of an implementation, and which runs are of them.

A configuration is drawn from the space that the implementation declares, by a generator derived
from its name and the configuration's number alone: number j is the same on every machine, and more
configurations extend fewer. A run does not say why it was made, so its parameters tell: it is of a
drawn configuration if they are those of a draw, if every draw before that one has runs, too, and
if the defaults have some.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tiltyard.implementation import Implementation, Range, interval
from tiltyard.names import Value, complete
from tiltyard.registry import Registry, generator
from tiltyard.run.record import Record

Configuration = Mapping[str, Value]
"""Every parameter of an implementation with its value."""

Key = frozenset[tuple[str, Value]]
"""What tells configurations apart."""

MOST = 1000
"""As many configurations as can be drawn, and told from a user's own."""

_DIGITS = 6  # of a drawn number: legible, and the same whatever a machine's exp rounds to


def draw(method: Implementation, index: int) -> dict[str, Value]:
    """Return one random configuration; parameters outside the space keep their defaults.

    Args:
        method: declares the space.
        index: the configuration's number, from 0.
    """
    rng = generator("tuning", method.name, index)
    # By name, so that the order in which a file declares the parameters changes nothing.
    values = {
        key: _draw_value(method.tune[key], method.parameters[key], rng)
        for key in sorted(method.tune)
    }
    return complete("implementation", method.name, values, method.parameters)


def draws(method: Implementation, count: int) -> list[dict[str, Value]]:
    """Return the first random configurations; none if nothing is declared to be tuned."""
    return [draw(method, index) for index in range(count)] if method.tune else []


def configuration_key(method: Implementation, parameters: Configuration) -> Key:
    """Return what tells configurations apart, with parameters left out at their defaults."""
    return frozenset({**method.parameters, **parameters}.items())


def by_configuration(
    registry: Registry, records: Iterable[Record]
) -> dict[str, dict[Key, list[Record]]]:
    """Return the runs of each registered implementation of one suite by their configuration."""
    found: dict[str, dict[Key, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        spec = record.spec
        method = registry.implementations.get((spec.suite, spec.implementation))
        if method is not None:
            key = configuration_key(method, spec.parameters)
            found[spec.implementation][key].append(record)
    return found


def leading_draws(method: Implementation, made: Mapping[Key, object]) -> list[Configuration]:
    """Return the draws up to the first one that has no runs.

    Args:
        method: whose draws.
        made: the configurations that have runs.
    """
    found: list[Configuration] = []
    if method.tune and configuration_key(method, {}) in made:
        while len(found) < MOST:
            drawn = draw(method, len(found))
            if configuration_key(method, drawn) not in made:
                break
            found.append(drawn)
    return found


def separate(registry: Registry, records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the runs that boards show by themselves, and those of drawn configurations.

    A setting that a user named and that a draw came to as well counts as drawn; with a parameter
    that has a range this does not happen by chance.

    Args:
        registry: the implementations.
        records: of one suite, made under the same conditions.
    """
    drawn: set[str] = set()
    for name, made in by_configuration(registry, records).items():
        method = registry.implementations[next(iter(made.values()))[0].spec.suite, name]
        keys = {configuration_key(method, one) for one in leading_draws(method, made)}
        keys.discard(configuration_key(method, {}))
        drawn.update(record.spec.id for key in keys for record in made[key])
    return (
        [record for record in records if record.spec.id not in drawn],
        [record for record in records if record.spec.id in drawn],
    )


def _draw_value(values: Range, default: Value, rng: np.random.Generator) -> Value:
    """Return a value of a range: uniform between its ends on its axis, or one of its choices."""
    ends = interval(values)
    if ends is None:
        return values[int(rng.integers(len(values)))]
    low, high, axis = ends
    if axis == "log":
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        value = rng.uniform(low, high)
    if isinstance(default, int):
        return min(max(round(value), math.ceil(low)), math.floor(high))
    return min(max(float(f"{value:.{_DIGITS}g}"), low), high)
