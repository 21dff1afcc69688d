"""What defines a run, and its identity."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tiltyard.names import Value
from tiltyard.suite import Budget


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One run; two runs with equal specs are the same run.

    Attributes:
        suite: its name.
        suite_version: its version.
        problem: canonical name.
        data: SHA-256 of each dataset and user's file the problem is built from.
        implementation: its name.
        source: SHA-256 of the implementation's source.
        parameters: every one, defaults included.
        seed: of the method's random generator.
        device: such as ``cpu`` or ``cuda:0``.
        budget: what the run may use.
        threads: for BLAS, torch and numba alike.
    """

    suite: str
    suite_version: int
    problem: str
    implementation: str
    source: str
    seed: int
    device: str
    budget: Budget
    threads: int
    data: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The SHA-256 of the canonical JSON, in hexadecimal."""
        return hashlib.sha256(canonical_json(self.to_json()).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {**values, "budget": dataclasses.asdict(self.budget),
                "data": dict(self.data), "parameters": dict(self.parameters)}  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunSpec:
        """Rebuild a spec from ``to_json``'s values."""
        return cls(**{**values, "budget": Budget(**values["budget"])})

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return f"{self.implementation} on {self.problem}, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the harness ends a run from outside; no part of a run's identity.

    Attributes:
        wall_seconds: from the end of the problem's set-up, rehearsal included, judging too.
        setup_seconds: for building the problem and its reference.
        memory_bytes: resident memory of the worker process.
    """

    wall_seconds: float
    setup_seconds: float = 3600.0
    memory_bytes: int


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
