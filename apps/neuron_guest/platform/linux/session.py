"""The desktop of the person signed in to a Linux guest, through the tools of X11 and Wayland."""

from __future__ import annotations

import getpass
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from libneuron.guest.wire.content import TEXT
from neuron_guest.backend import App, BackendError, Fetch, Happening, Mode, Offer, Window
from neuron_guest.files import LocalFiles
from neuron_guest.platform.linux import desktop_files, places, programs, screens, system

_HINT = "x-kde-passwordManagerHint"
# Seconds before each question where the tool fails: once, right after a copy, it found none (not understood).
_ASK_AGAIN = (0.0, 0.05, 0.2)
_PLAIN = ("UTF8_STRING", "text/plain", TEXT)


def _ignored() -> None:
    """Somebody else listens for that."""


class SessionBackend:
    """See :class:`neuron_guest.backend.Backend`. ``environment`` is the session's.

    The tools hold one format at a time: of several, text is kept, else the first.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._wayland = bool(environment.get("WAYLAND_DISPLAY")) and programs.has("wl-copy")
        self._meter = system.Meter()
        self.files = LocalFiles(places.places(environment, lambda: self.clipboard_read("text/uri-list")))
        self._written: tuple[str, bytes] | None = None
        # xclip, which holds what we wrote, drops a request that comes while it serves another.
        self._one_at_a_time = threading.Lock()

    def info(self) -> Mapping[str, object]:
        """See :meth:`Backend.info`."""
        return {
            **system.facts(),
            "user": getpass.getuser(),
            "session": "active",
            "dpi": 96,
            "display": "wayland" if self._wayland else "x11",
            "features": [
                "clipboard", "resolution", "launch", "screenshot", "power", "metrics",
                *([] if self._wayland else ["windows"]),
            ],
        }  # fmt: skip

    # -- clipboard ----------------------------------------------------------------------------------

    def _targets(self) -> list[str]:
        words = (
            ["wl-paste", "--list-types"]
            if self._wayland
            else ["xclip", "-selection", "clipboard", "-t", "TARGETS", "-o"]
        )
        for pause in _ASK_AGAIN:
            time.sleep(pause)
            try:
                return programs.run(words).decode("utf-8", "replace").split("\n")
            except BackendError as error:
                if error.code != "failed":
                    raise
        return []  # an empty clipboard is an error to both tools

    def _read(self, target: str) -> bytes:
        words = (
            ["wl-paste", "--no-newline", "--type", target]
            if self._wayland
            else ["xclip", "-selection", "clipboard", "-t", target, "-o"]
        )
        return programs.run(words, timeout=60)

    def clipboard_offer(self) -> Offer:
        """See :meth:`Backend.clipboard_offer`."""
        with self._one_at_a_time:
            targets = self._targets()
            secret = _HINT in targets and self._read(_HINT).strip() == b"secret"
            own = self._written is not None and self._is_ours(targets)
        formats = [name for name in targets if "/" in name and name != _HINT and name not in _PLAIN]
        if any(name in targets for name in _PLAIN):
            formats.insert(0, TEXT)
        return Offer(tuple(formats), secret=secret, own=own)

    def _is_ours(self, targets: Sequence[str]) -> bool:
        """The tools cannot mark a copy as ours: it is ours while it is what we wrote."""
        assert self._written is not None
        target, data = self._written
        return target in targets and self._read(target) == data

    def clipboard_read(self, mime: str) -> bytes:
        """See :meth:`Backend.clipboard_read`."""
        wanted = _PLAIN if mime == TEXT else (mime,)
        with self._one_at_a_time:
            targets = self._targets()
            for target in wanted:
                if target in targets:
                    return self._read(target)
        raise BackendError("not-found", f"the clipboard holds no {mime}")

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_write`. A secret copy is refused: these tools cannot mark it."""
        if secret:
            raise BackendError("unsupported", "the clipboard's tools here cannot mark a copy as secret")
        if not items:
            items = {TEXT: b""}
        mime = TEXT if TEXT in items else next(iter(items))
        if self._wayland:
            target, words = mime, ["wl-copy", "--type", mime]
        else:
            target = "UTF8_STRING" if mime == TEXT else mime
            words = ["xclip", "-selection", "clipboard", "-t", target, "-i"]
        with self._one_at_a_time:
            programs.feed(words, items[mime])
            self._written = (target, items[mime])

    def clipboard_promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_promise`. The tools take whole content only."""
        del mimes, fetch, secret
        raise BackendError("unsupported", "the clipboard's tools here need the content at once")

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """See :meth:`Backend.clipboard_watch`."""
        if not self._wayland:
            return self._listen(copied=lambda: changed(self.clipboard_offer()))
        process = programs.listen(["wl-paste", "--watch", "echo"])

        def follow() -> None:
            assert process.stdout is not None
            while process.stdout.readline():
                changed(self.clipboard_offer())
            process.wait()
            process.stdout.close()

        threading.Thread(target=follow, name="neuron-clipboard", daemon=True).start()
        return process.terminate

    def _listen(
        self, *, copied: Callable[[], None] = _ignored, resized: Callable[[], None] = _ignored
    ) -> Callable[[], None]:
        from neuron_guest.platform.linux.x11_events import X11Events

        return X11Events(self._environment.get("DISPLAY", ""), copied=copied, resized=resized).close

    # -- display ------------------------------------------------------------------------------------

    def _screen(self) -> screens.Screen:
        if self._wayland:
            found = screens.from_wlr_randr(programs.run(["wlr-randr"]).decode("utf-8", "replace"))
        else:
            found = screens.from_xrandr(programs.run(["xrandr", "--query"]).decode("utf-8", "replace"))
        if found is None or found.current is None:
            raise BackendError("failed", "no display is switched on")
        return found

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """See :meth:`Backend.desktop_watch`: of the display; locks are the service's to know."""
        if self._wayland:
            raise BackendError("unsupported", "no tool here tells of changes of a Wayland display")
        return self._listen(resized=lambda: told(Happening(mode=self.mode())))

    def modes(self) -> Sequence[Mode]:
        """See :meth:`Backend.modes`."""
        return self._screen().modes

    def mode(self) -> Mode:
        """See :meth:`Backend.mode`."""
        current = self._screen().current
        assert current is not None
        return current

    def set_mode(self, mode: Mode) -> Mode:
        """See :meth:`Backend.set_mode`: only a mode the output lists; goes back if it did not come."""
        screen = self._screen()
        before = screen.current
        assert before is not None
        if (mode.width, mode.height) not in {(each.width, each.height) for each in screen.modes}:
            raise BackendError("mode-refused", f"{mode.width}×{mode.height} is not among its modes")
        try:
            return self._switched(screen.output, mode)
        except BackendError:  # also where nothing can be read back: nobody could see to undo it
            self._switch(screen.output, before)
            raise

    def _switched(self, output: str, mode: Mode) -> Mode:
        self._switch(output, mode)
        now = self.mode()
        if (now.width, now.height) != (mode.width, mode.height):
            raise BackendError("mode-refused", f"the display stayed at {now.width}×{now.height}")
        return now

    def _switch(self, output: str, mode: Mode) -> None:
        tool = "wlr-randr" if self._wayland else "xrandr"
        try:
            programs.run([tool, "--output", output, "--mode", f"{mode.width}x{mode.height}"])
        except BackendError as error:
            raise BackendError("mode-refused", str(error)) from error

    def screenshot(self) -> bytes:
        """See :meth:`Backend.screenshot`."""
        if self._wayland:
            return programs.run(["grim", "-"], timeout=60)
        return programs.run(["import", "-silent", "-window", "root", "png:-"], timeout=60)

    # -- applications and windows -------------------------------------------------------------------

    def apps(self, *, icons: bool) -> Sequence[App]:
        """See :meth:`Backend.apps`."""
        return desktop_files.applications(self._environment, icons=icons)

    def launch(self, path: str, args: Sequence[str]) -> int:
        """See :meth:`Backend.launch`."""
        words = desktop_files.find_program(path, self._environment)
        if not words:
            raise BackendError("not-found", f"there is no program “{path}”")
        process = programs.start([*words, *args])
        system.reap(process.wait)
        return process.pid

    def open(self, target: str) -> None:
        """See :meth:`Backend.open`."""
        if not target.startswith(("http://", "https://")) and not os.path.exists(target):  # noqa: PTH110 — text from outside
            raise BackendError("not-found", f"there is no file “{target}”")
        system.reap(programs.start(["xdg-open", target]).wait)

    def windows(self) -> Sequence[Window]:
        """See :meth:`Backend.windows`."""
        if self._wayland:
            raise BackendError("unsupported", "Wayland tells no program of other programs' windows")
        lines = programs.run(["wmctrl", "-lx"]).decode("utf-8", "replace").splitlines()
        active = self._active()
        found = []
        for line in lines:
            words = line.split(None, 4)
            if len(words) >= 4 and words[1] != "-1":  # desktop -1: panels and the desktop itself
                number = int(words[0], 16)
                title = words[4] if len(words) > 4 else ""
                found.append(Window(number, title, words[2].rpartition(".")[2], focused=number == active))
        return found

    def _active(self) -> int:
        try:
            return int(programs.run(["xdotool", "getactivewindow"]).strip() or b"0")
        except BackendError:
            return 0  # no window has the focus

    def _window(self, window: int) -> str:
        if window not in {each.id for each in self.windows()}:
            raise BackendError("not-found", f"there is no window {window}")
        return f"0x{window:08x}"

    def focus_window(self, window: int) -> None:
        """See :meth:`Backend.focus_window`."""
        programs.run(["wmctrl", "-i", "-a", self._window(window)])

    def close_window(self, window: int) -> None:
        """See :meth:`Backend.close_window`."""
        programs.run(["wmctrl", "-i", "-c", self._window(window)])

    # -- machine ------------------------------------------------------------------------------------

    def power(self, action: str) -> None:
        """See :meth:`Backend.power`."""
        system.power(action)

    def metrics(self) -> Mapping[str, float]:
        """See :meth:`Backend.metrics`."""
        return self._meter.read()

    def close(self) -> None:
        """See :meth:`Backend.close`."""
