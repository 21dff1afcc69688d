"""The machine and the software that runs are made with, captured once per invocation."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tiltyard.errors import TiltyardError
from tiltyard.git import Repository
from tiltyard.run.spec import canonical_json

HARDWARE = ("cpu", "cores", "ram_gib", "gpus")
"""What must agree before two rows may share a ranking."""

_PACKAGES = ("torch", "numpy", "scipy", "numba", "pandas", "clarabel", "scikit-learn", "tiltyard")


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def environment() -> dict[str, Any]:
    """Return CPU, GPUs, cores, RAM, system, versions, BLAS and commit, as plain JSON values."""
    import psutil
    import threadpoolctl

    blas = [
        {key: library[key] for key in ("internal_api", "version", "num_threads")}
        for library in threadpoolctl.threadpool_info()
    ]
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "ram_gib": round(psutil.virtual_memory().total / 2**30),
        "gpus": gpus(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "blas": blas,
        **commit(),
    }


def environment_id(values: dict[str, Any]) -> str:
    """Return a short hash of everything in an environment."""
    return hashlib.sha256(canonical_json(values).encode()).hexdigest()[:16]


def hardware_id(values: dict[str, Any]) -> str:
    """Return a short hash of the hardware alone."""
    hardware = {key: values[key] for key in HARDWARE}
    return hashlib.sha256(canonical_json(hardware).encode()).hexdigest()[:16]


def describe_hardware(values: dict[str, Any]) -> str:
    """Return the hardware in one line."""
    parts = [values["cpu"], f"{values['cores']} cores", f"{values['ram_gib']} GiB"]
    return ", ".join([*parts, *values["gpus"]])


@cache
def gpus() -> list[str]:
    """Return the names of the NVIDIA GPUs that the driver lists."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    listing = _output([tool, "--query-gpu=name", "--format=csv,noheader"])
    return [line.strip() for line in listing.splitlines() if line.strip()]


def commit() -> dict[str, Any]:
    """Return the commit of the working folder's git repository, and whether it has changes."""
    try:
        repository = Repository(Path.cwd())
        return {"commit": repository.resolve("HEAD"), "dirty": bool(repository.changes())}
    except TiltyardError:
        return {"commit": None, "dirty": None}


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    """Return the processor's model name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        return _output(["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]).strip()
    return platform.processor() or platform.machine()
