"""An environment type for asv: the interpreter that runs asv, with the project at each commit.

asv's own types build an environment and a wheel for every commit, which with torch takes minutes
and gigabytes. This one checks the commit out and puts it first on the import path, which is right
for projects in pure Python. ``asv.conf.json`` names this module under ``plugins`` and ``tiltyard``
as ``environment_type``; whoever needs compiled code names ``virtualenv`` instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asv.environment import Environment

from tiltyard.history.asv_suites import TIER
from tiltyard.history.records import conditions_of
from tiltyard.history.results import TOOL, python_version
from tiltyard.registry import PLUGINS_VARIABLE, USER_FOLDER


class Checkout(Environment):  # type: ignore[misc] # asv is untyped
    """The running interpreter and its packages, with a commit of the project before them."""

    tool_name = TOOL
    matches_python_fallback = False

    def __init__(
        self,
        conf: Any,
        python: str,  # noqa: ARG002 - the running interpreter is the one there is
        requirements: Mapping[str, str],
        tagged_env_vars: Mapping[tuple[str, str], str],
    ) -> None:
        # Graphs are split by these: `tiltyard history add` gives records the same ones.
        conditions = dict(conditions_of(device="cpu", threads=1, tier=TIER))
        self._requirements = {**requirements, **conditions}  # asv's class reads it at once
        super().__init__(conf, python_version(), self._requirements, tagged_env_vars)

    @classmethod
    def matches(cls, python: str) -> bool:
        """Whether this is the running interpreter's version."""
        return python == python_version()

    def check_presence(self) -> bool:
        """Whether the folder for checkouts exists."""
        return Path(self._path).is_dir()

    def _setup(self) -> None:
        Path(self._path).mkdir(parents=True)

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:  # noqa: ARG002
        """Check the commit out; nothing is built."""
        self.checkout_project(repo, commit_hash)

    def find_executable(self, executable: str) -> str:
        """Return the running interpreter."""
        return sys.executable if executable == "python" else super().find_executable(executable)

    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python on arguments, with the checkout's packages and plug-ins."""
        env = dict(kwargs.pop("env", os.environ))
        checkout = Path(self._build_root)
        source = checkout / "src" if (checkout / "src").is_dir() else checkout
        before = env.get("ASV_PYTHONPATH")
        env["ASV_PYTHONPATH"] = os.pathsep.join([str(source), *([before] if before else [])])
        if (checkout / USER_FOLDER).is_dir():
            env[PLUGINS_VARIABLE] = str(checkout / USER_FOLDER)
        return self.run_executable("python", args, env=env, **kwargs)
