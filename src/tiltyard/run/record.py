"""Records: what one run gave."""

from __future__ import annotations

import dataclasses
import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from tiltyard.names import Value
from tiltyard.run.checkpoint import Checkpoint, Checkpoints
from tiltyard.run.spec import RunSpec
from tiltyard.suite import Answer


class Status(StrEnum):
    """How a run ended."""

    SOLVED = "solved"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    INVALID_ANSWER = "invalid_answer"
    UNSOUND = "unsound"
    UNSUPPORTED = "unsupported"

    @property
    def failed(self) -> bool:
        """Whether the run gave nothing that can rank; ``unsupported`` is no failure."""
        return self not in (Status.SOLVED, Status.STOPPED, Status.UNSUPPORTED)

    @property
    def fault(self) -> bool:
        """Whether something is wrong with the method or the machine; divergence is a result."""
        return self.failed and self is not Status.DIVERGED


@dataclass(slots=True, kw_only=True)
class Record:
    """Everything a run left behind; enough to run it again.

    Attributes:
        spec: what defines the run.
        status: how it ended; ``reason`` says why in one line.
        traceback: of a crash, or the last lines the worker wrote.
        checkpoints: the judged answers, from first to last.
        certificate: of the final answer.
        iterations: answers yielded.
        seconds: on the method's clock, to the end of the run.
        oracles: calls, by kind.
        phases: seconds by phase, where the method marks any.
        peak_memory_bytes: growth of the worker's resident memory during the run; None if unknown.
        energy: None until a meter exists.
        threads: threads in effect, by library.
        setup_seconds: building the problem and its reference; 0 when the worker had it.
        reference: the judge's reference, with its certificate and provenance.
        answer: the final answer; None where there is none.
        environment: the environment's id.
        started: UTC, ISO 8601.
    """

    spec: RunSpec
    status: Status
    reason: str = ""
    traceback: str = ""
    checkpoints: Sequence[Checkpoint] = ()
    certificate: Mapping[str, Value] = field(default_factory=dict)
    iterations: int = 0
    seconds: float = 0.0
    oracles: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    energy: Mapping[str, Value] | None = None
    threads: Mapping[str, int] = field(default_factory=dict)
    setup_seconds: float = 0.0
    reference: Mapping[str, Value] = field(default_factory=dict)
    answer: Answer | None = None
    environment: str = ""
    started: str = ""

    @property
    def metrics(self) -> Mapping[str, float]:
        """The final answer's metrics; empty where no answer was judged."""
        if isinstance(self.checkpoints, Checkpoints):
            return self.checkpoints.final
        return self.checkpoints[-1].metrics if self.checkpoints else {}

    @property
    def certified(self) -> bool:
        """Whether the run's final answer stands with a certificate that the judge checked."""
        return bool(self.certificate) and bool(self.checkpoints) and not self.status.failed

    @property
    def columns(self) -> Checkpoints:
        """The checkpoints by columns."""
        if isinstance(self.checkpoints, Checkpoints):
            return self.checkpoints
        return Checkpoints([dataclasses.asdict(point) for point in self.checkpoints])

    def result_json(self) -> dict[str, Any]:
        """Return all but the spec and the answer as plain JSON; NaN and infinity are null."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in ("spec", "answer")]
        values = {name: getattr(self, name) for name in names}
        values["checkpoints"] = [dataclasses.asdict(point) for point in self.checkpoints]
        clean: dict[str, Any] = _finite(values)
        return clean

    @classmethod
    def from_json(
        cls, spec: Mapping[str, Any], result: Mapping[str, Any], answer: bytes | None
    ) -> Record:
        """Rebuild a record; a metric that is null becomes NaN."""
        values = dict(result)
        values["status"] = Status(values["status"])
        values["checkpoints"] = Checkpoints(values["checkpoints"])
        return cls(spec=RunSpec.from_json(spec), answer=unpack_answer(answer), **values)


def pack_answer(answer: Answer | None) -> bytes | None:
    """Return the arrays as the bytes of a compressed ``.npz`` file."""
    if answer is None:
        return None
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **answer)
    return buffer.getvalue()


def unpack_answer(packed: bytes | None) -> Answer | None:
    """Return the arrays of ``pack_answer``; nothing in the bytes is executed.

    Raises:
        ValueError: the bytes are damaged.
    """
    if packed is None:
        return None
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (zipfile.BadZipFile, EOFError, KeyError, OSError) as error:
        raise ValueError(f"a stored answer is damaged: {error}") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
