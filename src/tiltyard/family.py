"""Problem families: functions that build problems, and how they are declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tiltyard.errors import PluginError
from tiltyard.names import Value, complete, spell
from tiltyard.needs import missing
from tiltyard.suite import Problem

Track = str | Callable[[Mapping[str, Value]], str]
"""A track, or what tells it from a problem's parameters."""

Picks = Callable[[Mapping[str, Value]], tuple[str, ...]]
"""Complete parameters to the names of the datasets that the problem is built from."""

Normalise = Callable[[Mapping[str, Value]], Mapping[str, Value]]
"""Parameters, every one given, to those that name the problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFamily:
    """A function that builds problems, with the parameters that name them.

    Attributes:
        name: the function's name, underscores as hyphens, or the name it was given.
        parameters: keyword-only arguments and their defaults; a name spells every one.
        tiers: for each tier, the parameters of the problems it holds (others at their defaults).
        datasets: names of the datasets that its problems are built from.
        picks: which of them a problem takes, by its complete parameters; None takes all.
        files: the parameters that are paths of the user's own files; their content is hashed into
            a run's identity.
        needs: modules it imports beyond the core, each with what ``pip install`` takes.
        normalise: maps complete parameters to those that name the problem, so that a problem that
            can be spelled in several ways has one name; None leaves them as they are.
        track: which of the suite's tracks its problems are of, or a function of the complete
            parameters that says so.
    """

    name: str
    suite: str
    build: Callable[..., Problem]
    summary: str
    parameters: Mapping[str, Value]
    tiers: Mapping[str, tuple[Mapping[str, Value], ...]]
    datasets: tuple[str, ...]
    files: tuple[str, ...]
    module: str
    file: str
    needs: Mapping[str, str] = field(default_factory=dict)
    normalise: Normalise | None = None
    track: Track = ""
    picks: Picks | None = None

    def datasets_of(self, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Return the datasets passed before the keywords, in this order.

        Args:
            parameters: complete ones.

        Raises:
            TiltyardError: a parameter's value names no data.
        """
        return self.datasets if self.picks is None else self.picks(parameters)

    def track_of(self, parameters: Mapping[str, Value]) -> str:
        """Return the track of the problem with these parameters over the defaults.

        Raises:
            TiltyardError: a parameter is unknown.
        """
        every = self.complete(parameters)
        return self.track(every) if callable(self.track) else self.track

    def spell(self, parameters: Mapping[str, Value]) -> str:
        """Return the canonical name of the problem with these parameters over the defaults.

        A family without parameters is one problem, and has its name: ``hs71``.

        Raises:
            TiltyardError: a parameter is unknown.
        """
        every = self.complete(parameters)
        inside = ",".join(f"{key}={spell(value)}" for key, value in every.items())
        return f"{self.name}[{inside}]" if inside else self.name

    def complete(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """Return every parameter in order, each of its default's type, as they name the problem."""
        every = complete("problem", self.name, parameters, self.parameters)
        return every if self.normalise is None else dict(self.normalise(every))

    def missing(self) -> str:
        """Return why this machine cannot build the problems, or the empty string."""
        return missing(self.needs)

    def names(self, tier: str) -> list[str]:
        """Return the canonical names of the tier's problems."""
        return [self.spell(parameters) for parameters in self.tiers.get(tier, ())]


def problem(  # noqa: PLR0913 - each argument is one line of a family's declaration
    *,
    suite: str,
    name: str = "",
    tiers: Mapping[str, Sequence[Mapping[str, Value]]] | None = None,
    datasets: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
    needs: Mapping[str, str] | None = None,
    normalise: Normalise | None = None,
    track: Track = "",
    picks: Picks | None = None,
) -> Callable[[Callable[..., Problem]], ProblemFamily]:
    """Declare a function ``(rng, datasets..., *, parameters...) -> Problem`` as a problem family.

    ``rng`` is derived from the family's name and its ``instance`` parameter, where it has one, and
    from nothing else: two problems of one family draw the same data.

    Raises:
        PluginError: the signature is not of that form.
    """

    def declare(build: Callable[..., Problem]) -> ProblemFamily:
        function = getattr(build, "func", build)
        family = name or function.__name__.replace("_", "-")
        arguments = list(inspect.signature(build).parameters.values())
        positional = [argument for argument in arguments if argument.kind != argument.KEYWORD_ONLY]
        keywords = [argument for argument in arguments if argument.kind == argument.KEYWORD_ONLY]
        parameters = {argument.name: argument.default for argument in keywords}
        passed = datasets if picks is None else picks(parameters)
        if len(positional) != 1 + len(passed) or any(
            argument.default is argument.empty for argument in keywords
        ):
            raise PluginError(
                f"problem {family} must be declared as "
                f"({', '.join(('rng', *passed))}, *, parameter=default, ...)"
            )
        return ProblemFamily(
            name=family,
            suite=suite,
            build=build,
            summary=(inspect.getdoc(function) or "").partition("\n")[0],
            parameters=parameters,
            tiers={tier: tuple(grid) for tier, grid in (tiers or {}).items()},
            datasets=datasets,
            files=files,
            module=function.__module__,
            file=inspect.getsourcefile(function) or "",
            needs=dict(needs or {}),
            normalise=normalise,
            track=track,
            picks=picks,
        )

    return declare
