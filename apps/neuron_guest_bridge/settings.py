"""What a person chooses for the program as a whole, and its entry among what starts with the session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import make_private_directory, write_atomic
from libneuron.system.tables import load
from neuron_guest_bridge.viewers import Viewer

ENTRY = "org.neuronos.GuestBridge.desktop"
LONGEST = 300
"""Seconds that a start with the session can wait at most."""
_COMMAND = "neuron-guest-bridge"
_VIEWERS = tuple(viewer.value for viewer in Viewer)
_DELAY = re.compile(r"^Exec=.*--delay (\d{1,3})$", re.MULTILINE)


@dataclass(frozen=True)
class Settings:
    """``hidden``: start in the tray, without the window; ``notify``: tell what needs the person; ``viewer``:
    what machines are seen with."""

    hidden: bool = False
    notify: bool = True
    viewer: Viewer = Viewer.BEST


@dataclass(frozen=True)
class SettingsStore:
    """Below ``folder``, in ``guest-bridge.toml``; ``session`` is the session's folder of things to start.

    Source for the entry: freedesktop Desktop Application Autostart Specification 0.5. The delay is our own
    option: desktops have none in common.
    """

    folder: Path
    session: Path

    @property
    def _file(self) -> Path:
        return self.folder / "guest-bridge.toml"

    def get(self) -> Settings:
        """The present settings. Raises: SystemAccessError table-invalid."""
        if not self._file.exists():
            return Settings()
        table = load(self._file)
        usual = Settings()
        viewer = table.get("viewer", str, usual.viewer.value)
        if viewer not in _VIEWERS:
            raise table.fail("viewer", f"“{viewer}” is none of {', '.join(_VIEWERS)}")
        found = Settings(
            hidden=table.get("hidden", bool, usual.hidden),
            notify=table.get("notify", bool, usual.notify),
            viewer=Viewer(viewer),
        )
        table.done()
        return found

    def set(self, settings: Settings) -> None:
        """Keep other settings."""
        make_private_directory(self.folder)
        lines = [f"{name} = {str(getattr(settings, name)).lower()}\n" for name in ("hidden", "notify")]
        lines.append(f'viewer = "{settings.viewer.value}"\n')
        write_atomic(self._file, "".join(lines).encode(), mode=0o600)

    def delay(self) -> int | None:
        """Seconds after which it starts with the session; None: it does not."""
        try:
            found = _DELAY.search((self.session / ENTRY).read_text())
        except (OSError, UnicodeDecodeError):
            return None
        return int(found[1]) if found else None

    def start_with_session(self, delay: int) -> None:
        """Start with the session from now on, ``delay`` seconds after its begin (0 to :data:`LONGEST`)."""
        lines = [
            "[Desktop Entry]",
            "Type=Application",
            "Name=Guest Bridge",
            f"Exec={_COMMAND} --background --delay {min(max(delay, 0), LONGEST)}",
            f"TryExec={_COMMAND}",  # an entry that outlives the program does nothing
            "Icon=org.neuronos.GuestBridge",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
        ]
        self.session.mkdir(parents=True, exist_ok=True)
        write_atomic(self.session / ENTRY, ("\n".join(lines) + "\n").encode())

    def stay_out_of_session(self) -> None:
        """Take the entry away again."""
        (self.session / ENTRY).unlink(missing_ok=True)
