"""The Cython modules and their flags, and the page where nobody has built it; the rest is in pyproject.toml."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import greenlet
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

SOURCE = Path("src")
WEBUI = Path("webui")
REPORT = SOURCE / "gregaria" / "web" / "static" / "report.html"
WINDOWS = sys.platform == "win32"
FLAGS = [] if WINDOWS else ["-O3", "-fno-semantic-interposition", "-Wno-unreachable-code", "-Wno-unused-variable"]
DIRECTIVES = {
    "language_level": 3,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}


def modules() -> list[Path]:
    """Every .pyx, or those whose stems GREGARIA_ONLY names (a comma list)."""
    only = {name for name in os.environ.get("GREGARIA_ONLY", "").split(",") if name}
    return [path for path in sorted(SOURCE.glob("gregaria/*/*.pyx")) if not only or path.stem in only]


def extension(path: Path) -> Extension:
    """The extension module that stands beside its .pyx."""
    return Extension(
        ".".join(path.relative_to(SOURCE).with_suffix("").parts),
        [path.as_posix()],
        # greenlet ships its header beside its code; portable.h stands beside ours
        include_dirs=[str(Path(greenlet.__file__).parent.parent), path.parent.as_posix()],
        extra_compile_args=FLAGS,
        libraries=["ws2_32"] if WINDOWS else [],
    )


class BuildPy(build_py):
    """Builds the page into the package first, where there is Node.js; `make web` does it in a checkout."""

    def run(self) -> None:
        npm = shutil.which("npm")
        if npm and not self.editable_mode and WEBUI.exists() and not REPORT.exists():
            for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
                if subprocess.run([npm, *command], cwd=WEBUI).returncode:
                    print("The page could not be built: the package will do without it", file=sys.stderr)
                    break
        super().run()


setup(
    cmdclass={"build_py": BuildPy},
    ext_modules=cythonize(
        [extension(path) for path in modules()],
        include_path=[SOURCE.as_posix()],
        annotate=bool(os.environ.get("GREGARIA_ANNOTATE")),
        compiler_directives=DIRECTIVES,
    ),
)
