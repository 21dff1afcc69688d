"""What this machine has for Tiltyard, and what the rest would take."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tiltyard.family import ProblemFamily
from tiltyard.implementation import Implementation
from tiltyard.registry import registry
from tiltyard.run.environment import environment

RAPL = Path("/sys/class/powercap")

EXTRAS = {"pyarrow": ("export to Parquet", "pip install 'tiltyard[parquet]'")}
"""Optional packages of the harness itself; methods name their own."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One thing: whether it is here, and its details or what it would take."""

    kind: str
    name: str
    here: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def examine() -> list[Inspection]:
    """Look at hardware, meters, extras, datasets and plug-ins."""
    return [*_hardware(), *_meters(), *_extras(), *_datasets(), *_plugins()]


def _hardware() -> Iterator[Inspection]:
    values = environment()
    cpu = f"{values['cpu']}, {values['cores']} cores, {values['ram_gib']} GiB"
    yield Inspection("hardware", "CPU", here=True, detail=cpu)
    yield Inspection("hardware", "GPU", *_gpu(values["gpus"]))
    blas = ", ".join(f"{one['internal_api']} {one['version']}" for one in values["blas"])
    yield Inspection("software", "BLAS", here=bool(blas), detail=blas or "found none loaded")


def _gpu(gpus: list[str]) -> tuple[bool, str]:
    if not gpus:
        return False, "no NVIDIA driver answers; runs with --device cuda are unsupported"
    import torch

    if not torch.cuda.is_available():
        return False, f"{', '.join(gpus)}, but this torch has no CUDA: install a CUDA build of it"
    return True, ", ".join(gpus)


def _meters() -> Iterator[Inspection]:
    """Say what could meter energy; the records' energy stays null until meters are built in."""
    counters = sorted(RAPL.glob("intel-rapl:*/energy_uj"))
    if not counters:
        rapl = False, f"{RAPL} has no counter: the processor, or a virtual machine, hides it"
    elif not all(os.access(counter, os.R_OK) for counter in counters):
        rapl = False, f"not readable; until the next boot: sudo chmod a+r {RAPL}/*/energy_uj"
    else:
        rapl = True, f"{len(counters)} counters readable; not used yet"
    yield Inspection("meter", "RAPL (CPU energy)", *rapl)
    nvml = shutil.which("nvidia-smi") is not None
    detail = "driver present; not used yet" if nvml else "needs an NVIDIA driver"
    yield Inspection("meter", "NVML (GPU energy)", here=nvml, detail=detail)


def _extras() -> Iterator[Inspection]:
    for module, (purpose, command) in EXTRAS.items():
        here = importlib.util.find_spec(module) is not None
        yield Inspection("extra", module, here, purpose if here else f"{purpose}: {command}")
    found = registry()
    plugins: tuple[Implementation | ProblemFamily, ...] = (
        *found.implementations.values(),
        *found.families.values(),
    )
    for plugin in plugins:
        if plugin.needs:
            reason = plugin.missing()
            name = f"{plugin.suite}/{plugin.name}"
            yield Inspection("extra", name, not reason, reason or "has what it needs")


def _datasets() -> Iterator[Inspection]:
    for name, dataset in sorted(registry().datasets.items()):
        absent = dataset.absent()
        detail = f"{dataset.kind}, {dataset.licence}"
        yield Inspection("dataset", name, not absent, f"{absent} ({detail})" if absent else detail)


def _plugins() -> Iterator[Inspection]:
    found = registry()
    for folder in found.folders:
        yield Inspection("plug-ins", str(folder), here=True, detail="your own folder")
    for broken in found.broken:
        yield Inspection("plug-in", broken.source, here=False, detail=broken.reason)
