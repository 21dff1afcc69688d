"""The few questions that the history asks of git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tiltyard.errors import TiltyardError


class Repository:
    """The git repository that a folder lies in.

    Args:
        folder: any folder of the working tree.

    Raises:
        TiltyardError: the folder is in no git repository, or git is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder
        top = self.ask("rev-parse", "--show-toplevel")
        if top is None:
            raise TiltyardError(f"{folder} is in no git repository; a history belongs to commits")
        self.root = Path(top)

    def resolve(self, name: str) -> str:
        """Return the full hash of a commit.

        Raises:
            TiltyardError: there is no such commit here.
        """
        found = self.ask(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        if found is None:
            shallow = " (this clone is shallow)" if self.shallow() else ""
            raise TiltyardError(f"no commit {name!r} in {self.root}{shallow}")
        return found

    def subject(self, commit: str) -> str:
        """Return the first line of a commit's message."""
        return self.ask("show", "--no-patch", "--format=%s", commit) or ""

    def date(self, commit: str) -> int:
        """Return when a commit was written, in milliseconds since 1970, as asv stores it."""
        return 1000 * int(self.ask("show", "--no-patch", "--format=%at", commit) or 0)

    def history(self, commit: str) -> list[str]:
        """Return the commits that led to one, itself included, along first parents, oldest first.

        Raises:
            TiltyardError: the clone is shallow, so that older commits are not known.
        """
        self.require_full()
        return (self.ask("rev-list", "--first-parent", "--reverse", commit) or "").split()

    def between(self, older: str, newer: str) -> list[str]:
        """Return the commits after one up to another, along first parents, oldest first.

        Args:
            older: full hash.
            newer: full hash.

        Raises:
            TiltyardError: the older one does not lead to the newer one along first parents, they
                are the same, or the clone is shallow.
        """
        line = self.history(newer)
        if older == newer:
            raise TiltyardError(f"both ends are commit {older[:10]}; name two commits")
        if older in line:
            return line[line.index(older) + 1 :]
        if self.ask("merge-base", "--is-ancestor", older, newer) is None:
            raise TiltyardError(f"commit {older[:10]} is no ancestor of {newer[:10]}")
        beside = (self.ask("rev-list", "--first-parent", newer, f"^{older}") or "").split()
        known = line[: len(line) - len(beside)]
        raise TiltyardError(
            f"commit {older[:10]} came to {newer[:10]} by a merge, so it is not among its first "
            f"parents; the newest one there that it contains is {known[-1][:10] if known else '-'}"
        )

    def merged(self, commit: str) -> tuple[str, str] | None:
        """Return where a merged branch left the line of first parents, and its last commit.

        None for a commit that is no merge, or whose branch has nothing in common with the line.
        """
        line, *others = (self.ask("rev-parse", f"{commit}^@") or commit).split()
        fork = self.ask("merge-base", line, others[0]) if others else None
        return (fork, others[0]) if fork else None

    def require_full(self) -> None:
        """Refuse a shallow clone: the order of its commits is not known."""
        if self.shallow():
            raise TiltyardError(
                f"{self.root} is a shallow clone, so older commits are not known; "
                "'git fetch --unshallow' gets them (on GitHub Actions: fetch-depth: 0)"
            )

    def shallow(self) -> bool:
        """Whether the clone lacks older commits."""
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    def changes(self) -> list[str]:
        """Return the changed files that git tracks, and Python files that it does not."""
        lines = (self.ask("status", "--porcelain", "--untracked-files=all") or "").splitlines()
        paths = [(line[:2], line[3:].strip('"')) for line in lines]
        return [path for state, path in paths if state != "??" or path.endswith(".py")]

    def ignores(self, path: str) -> bool:
        """Whether git ignores a path, relative to the top folder, that need not exist."""
        return self.ask("check-ignore", "--quiet", path) is not None

    def ask(self, *arguments: str) -> str | None:
        """Return what a git command prints, or None where it fails."""
        try:
            done = subprocess.run(  # noqa: S603 - no shell; names are passed as one argument each
                ["git", "-C", str(self.root), *arguments],  # noqa: S607 - the user's own git
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            raise TiltyardError("git is not installed; a history belongs to commits") from None
        return done.stdout.rstrip("\n") if done.returncode == 0 else None
