"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Compilation and a busy machine make single examples slow.
settings.register_profile("tiltyard", deadline=None)
settings.load_profile("tiltyard")

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Keep tests away from the user's caches, plug-ins and store."""
    monkeypatch.setenv("TILTYARD_PLUGINS", str(PLUGINS))
    monkeypatch.setenv("TILTYARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TILTYARD_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def toy():
    """Return a registry that holds the toy suite."""
    before = os.environ.get("TILTYARD_PLUGINS")
    os.environ["TILTYARD_PLUGINS"] = str(PLUGINS)
    try:
        from tiltyard.registry import registry

        return registry()
    finally:
        if before is None:
            del os.environ["TILTYARD_PLUGINS"]
        else:
            os.environ["TILTYARD_PLUGINS"] = before


@pytest.fixture
def spec(toy):
    """Return a function that makes the spec of a toy run."""
    from pathlib import Path

    from tiltyard.registry import source_hash
    from tiltyard.run.spec import RunSpec
    from tiltyard.suite import Budget

    def make(implementation, *, problem="line", seed=0, device="cpu", budget=None, **parameters):
        method = toy.implementation("toy", implementation)
        return RunSpec(
            suite="toy",
            suite_version=1,
            problem=toy.canonical("toy", problem),
            implementation=implementation,
            source=source_hash(Path(method.file)),
            parameters={**method.parameters, **parameters},
            seed=seed,
            device=device,
            budget=budget or Budget(iterations=200),
            threads=1,
        )

    return make
