"""gevent is patched in as gevent does it, plugins of other packages included."""

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = """
def called(event):
    print(type(event).__name__, getattr(event, "module_name", ""))
"""
ENTRY_POINTS = """
[gevent.plugins.monkey.will_patch_module]
one = plugin_of_a_test:called
[gevent.plugins.monkey.did_patch_all]
one = plugin_of_a_test:called
"""
PATCH = """
import sys
from importlib import metadata
look_up = metadata.entry_points
if sys.argv[1] == "ours":
    from gregaria.patching import patch_all
else:
    from gevent.monkey import patch_all
looked = []
find = metadata.MetadataPathFinder.find_distributions
metadata.MetadataPathFinder.find_distributions = lambda *context: looked.append(context) or find(*context)
patch_all()
assert metadata.entry_points is look_up
import socket, gevent.socket
assert socket.socket is gevent.socket.socket
print(len(looked), file=sys.stderr)
"""


def test_plugins_are_looked_for_once_and_all_of_them_called(tmp_path: Path) -> None:
    (tmp_path / "plugin_of_a_test.py").write_text(PLUGIN)
    package = tmp_path / "plugin_of_a_test-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-of-a-test\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(ENTRY_POINTS)
    told, looked = [], []
    for whose in ("ours", "gevent's"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PATCH, whose],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
        looked.append(int(done.stderr))
    assert told[0] == told[1]
    assert "GeventWillPatchModuleEvent socket" in told[0]
    assert "GeventDidPatchAllEvent" in told[0]
    assert looked[0] == 1 < looked[1]
