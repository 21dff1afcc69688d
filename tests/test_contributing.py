"""What CONTRIBUTING.md shows works when copied."""

import re
from pathlib import Path

import pytest

from tiltyard.conformance import check_family, check_implementation
from tiltyard.registry import discover

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    "cvar" not in discover(()).suites, reason="the examples are for the cvar suite"
)


@pytest.fixture
def found(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    folder.mkdir()
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    for number, block in enumerate(blocks):
        (folder / f"block_{number}.py").write_text(block)
    monkeypatch.setenv("TILTYARD_PLUGINS", str(folder))
    return discover((folder.resolve(),))


def test_the_method_conforms(found):
    assert found.broken == []
    checks = check_implementation(found, "cvar", "full_subgradient")
    assert [check for check in checks if check.outcome != "ok"] == []


def test_the_problem_conforms(found):
    checks = check_family(found, "cvar", "student-abs")
    assert [check for check in checks if check.outcome != "ok"] == []
