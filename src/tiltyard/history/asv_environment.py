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
from asv.util import check_output

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

    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python on arguments, with the checkout's packages and plug-ins."""
        env = {**kwargs.pop("env", os.environ), **self._global_env_vars}
        checkout = Path(self._build_root)
        source = checkout / "src" if (checkout / "src").is_dir() else checkout
        paths = os.pathsep.join(filter(None, [str(source), env.get("ASV_PYTHONPATH")]))
        # asv's own run_executable renames ASV_PYTHONPATH, and its script then drops PYTHONPATH; the
        # workers that runs are made in need the latter.
        env |= {"ASV_PYTHONPATH": paths, "PYTHONPATH": paths}
        env[PLUGINS_VARIABLE] = _plugins(checkout, env.get(PLUGINS_VARIABLE, USER_FOLDER))
        return check_output([sys.executable, *args], env=env, **kwargs)


def _plugins(checkout: Path, folders: str) -> str:
    """Return the plug-in folders of a checkout; those outside of the project are the same ones.

    A folder that the commit does not have yet is left out, so that the working tree's is not
    measured in its place.
    """
    here = Path.cwd().resolve()  # asv works in the folder of its configuration
    found = []
    for folder in ((here / entry).resolve() for entry in folders.split(os.pathsep) if entry):
        inside = folder.is_relative_to(here)
        found.append(checkout / folder.relative_to(here) if inside else folder)
    return os.pathsep.join(str(folder) for folder in found if folder.is_dir())
