"""The lab is what it claims to be."""

from __future__ import annotations

from tests.system.wine.lab import WineLab


def test_the_python_inside_is_windows_cpython_with_tls(wine: WineLab) -> None:
    said = wine.call("basics.python")
    assert said["platform"] == "win32"
    assert said["implementation"] == "CPython"
    assert said["compiler"].startswith("MSC")
    assert said["ssl"].startswith("OpenSSL 3")
