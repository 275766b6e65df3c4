import os
import platform

from gregaria.report.machine import machine_document


def test_the_machine_is_told_as_it_is() -> None:
    told = machine_document()
    assert told["python"] == f"CPython {platform.python_version()}"
    assert platform.machine() in str(told["system"])
    assert 1 <= int(told["processors"] or 0) <= (os.cpu_count() or 0)
    assert float(str(told["memory"]).removesuffix(" GiB")) > 0
