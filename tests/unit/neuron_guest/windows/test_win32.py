"""Away from Windows the package imports, and says so when it is called."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import neuron_guest.platform.windows as package
from neuron_guest.platform.windows import win32


def test_every_module_imports_here() -> None:
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("__"):
            importlib.import_module(f"{package.__name__}.{module.name}")


def test_a_call_names_the_function() -> None:
    absent = win32.function("kernel32", "GetTickCount64", win32.DWORD)
    with pytest.raises(win32.Win32Error, match="GetTickCount64") as error:
        absent()
    assert error.value.code == win32.ERROR_CALL_NOT_IMPLEMENTED
