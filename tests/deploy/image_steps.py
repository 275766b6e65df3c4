"""Runs the steps of a Dockerfile one after another in a folder, where there is no container engine."""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Image", "Stage", "build", "instructions"]

#: folders of the image that RUN lines name; the others are this machine's
_MAPPED = re.compile(r"(?<![\w./])/(source|wheels|install)\b")
#: an account can only be made in an image
_ONLY_IN_AN_IMAGE = "useradd "


@dataclass
class Stage:
    """What one FROM begins.

    Attributes:
        root: the folder that stands for its file system.
        folder: the working directory, as the image has it.
        env: what ENV and ARG set.
        skipped: RUN lines that were not run.
    """

    base: str
    root: Path
    folder: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def path(self, path: str) -> Path:
        """A path of the image, absolute or of its working directory, as one of this machine."""
        return self.root / os.path.normpath(os.path.join(self.folder, path)).lstrip("/")


@dataclass
class Image:
    """What has come of a Dockerfile: its last stage, and the instructions that only say what is to be."""

    stage: Stage
    says: dict[str, str]


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """(instruction, its words) in order; continued lines are one."""
    lines = [line for line in dockerfile.read_text().splitlines() if line.strip() and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word.upper(), " ".join(rest.split())) for word, _, rest in (line.strip().partition(" ") for line in whole)]


def build(dockerfile: Path, context: Path, folder: Path, before_run: Callable[[Stage], None]) -> Image:
    """Run all steps; stages are folders below ``folder``. ``before_run`` is called with the stage of each RUN.

    Raises:
        AssertionError: a step has failed, with what it printed, or is of a kind that is not known here.
    """
    sent = folder / "context"
    _send(context, sent)
    stages: dict[str, Stage] = {}
    says: dict[str, str] = {}
    stage = Stage("scratch", folder)
    for word, rest in instructions(dockerfile):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = stages[name] = Stage(base, folder / (name or "image"))
            stage.root.mkdir()
            if base.startswith("python:"):
                subprocess.run([sys.executable, "-m", "venv", stage.root / "python"], check=True)
        elif word == "WORKDIR":
            stage.folder = rest
            stage.path(".").mkdir(parents=True, exist_ok=True)
        elif word in ("ENV", "ARG"):
            stage.env.update(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "COPY":
            _copy(rest, sent, stages, stage)
        elif word == "RUN":
            before_run(stage)
            _run(rest, stage)
        else:
            says[word] = rest
    return Image(stage, says)


def _send(context: Path, sent: Path) -> None:
    """Copy what .dockerignore lets through; of its language what stands in ours."""
    patterns = (context / ".dockerignore").read_text().splitlines()
    patterns = [pattern for pattern in patterns if pattern and not pattern.startswith("#")]

    def is_out(path: str) -> bool:
        out = False
        for pattern in patterns:
            name = pattern.removeprefix("!")
            if name.startswith("**/"):
                matches = any(fnmatch.fnmatch(part, name[3:]) for part in path.split("/"))
            else:
                matches = name == "*" or path == name or path.startswith(name + "/")
            out = not pattern.startswith("!") if matches else out
        return out

    for top in (pattern[1:] for pattern in patterns if pattern.startswith("!")):
        found = [context / top] if (context / top).is_file() else _files(context / top, context, is_out)
        for path in found:
            there = sent / path.relative_to(context)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, there)


def _files(top: Path, context: Path, is_out: Callable[[str], bool]) -> list[Path]:
    found = []
    for folder, folders, files in os.walk(top):
        here = Path(folder).relative_to(context)
        folders[:] = [name for name in folders if not is_out((here / name).as_posix())]
        found += [context / here / name for name in files if not is_out((here / name).as_posix())]
    return found


def _copy(rest: str, sent: Path, stages: dict[str, Stage], stage: Stage) -> None:
    words = rest.split()
    options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, target = [word for word in words if not word.startswith("--")]
    there = stage.path(target)
    for source in sources:
        path = stages[options["from"]].path(source) if "from" in options else sent / source
        assert path.exists(), f"COPY {rest}: there is no {source}; is it left out by .dockerignore?"
        if path.is_dir():
            shutil.copytree(path, there, dirs_exist_ok=True, symlinks=True)
            continue
        # A file goes into a folder where the target says that it is one.
        file = there / path.name if target.endswith("/") else there
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, file)
        if "chmod" in options:
            file.chmod(int(options["chmod"], 8))


def _run(rest: str, stage: Stage) -> None:
    if rest.startswith(_ONLY_IN_AN_IMAGE):
        stage.skipped.append(rest)
        return
    path = os.pathsep.join([str(stage.root / "python" / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-ec", _MAPPED.sub(lambda found: f"{stage.root}{found[0]}", rest)],
        cwd=stage.path("."),
        env={**os.environ, **stage.env, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"RUN {rest}\n{done.stdout}"
