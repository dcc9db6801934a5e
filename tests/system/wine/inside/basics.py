"""What the lab itself is: asked from inside."""

from __future__ import annotations

import platform
import ssl
import sys


def python() -> dict[str, str]:
    """Which Python runs here."""
    return {
        "platform": sys.platform,
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "version": platform.python_version(),
        "ssl": ssl.OPENSSL_VERSION,
    }
