"""The Cython modules and their flags, nothing else; everything declarative is in pyproject.toml."""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCE = Path("src")
FLAGS = [] if sys.platform == "win32" else ["-O3", "-fno-semantic-interposition", "-Wno-unreachable-code"]

only = [name for name in os.environ.get("GREGARIA_ONLY", "").split(",") if name]
modules = [
    path
    for path in sorted(SOURCE.glob("gregaria/*/*.pyx"))
    if not only or path.stem in only
]

setup(
    ext_modules=cythonize(
        [
            Extension(
                ".".join(path.relative_to(SOURCE).with_suffix("").parts),
                [path.as_posix()],
                extra_compile_args=FLAGS,
                libraries=["ws2_32"] if sys.platform == "win32" else [],
            )
            for path in modules
        ],
        include_path=["src"],
        annotate=bool(os.environ.get("GREGARIA_ANNOTATE")),
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
            "embedsignature": True,
        },
    ),
)
