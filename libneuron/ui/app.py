"""Sets up the one QApplication of a program."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication, QWidget

from libneuron.ui.collector import GuiCollector
from libneuron.ui.early import bare_application
from libneuron.ui.icons import app_icon
from libneuron.ui.tasks import Tasks
from libneuron.ui.text import translate
from libneuron.ui.theme import Look, Theme

_log = logging.getLogger(__name__)


def application(
    *, app_id: str, name: str, look: Look = Look.SYSTEM, windows_later: bool = False
) -> QApplication:
    """The process's QApplication, set up once: style, colours, translations, tasks, collector.

    ``app_id`` is the desktop file's base name ("org.neuronos.GuestBridge"), ``name`` the translated or proper
    name that the desktop shows. ``windows_later`` is for a program that may live in the tray alone: the style
    sheet is made for the first window. Needs a display: see :mod:`libneuron.system.display`.
    """
    app = bare_application(app_id=app_id, name=name)
    if app.findChild(Theme) is None:
        made = Theme(app, look)
        if not windows_later:
            made.dress()
        Tasks(app)
        collector = GuiCollector(app)
        app.aboutToQuit.connect(collector.close)
    app.setWindowIcon(app_icon(app_id))
    return app


def run(app: QApplication, window: Callable[[], QWidget | None]) -> int:
    """Make the first window, run until the last is closed, stop every task; returns the exit status.

    A bug is logged and shown with its traceback; SIGINT and SIGTERM close the windows.
    """
    leave = prepare(app)
    shown = window()
    if shown is not None:
        shown.show()
    try:
        return app.exec()
    finally:
        leave()


def prepare(app: QApplication) -> Callable[[], None]:
    """What :func:`run` does before the event loop, for a program whose loop runs already.

    Returns what is to be called after the loop.
    """
    sys.excepthook = _show_bug
    keep_signals = _quit_on_signals(app)

    def leave() -> None:
        keep_signals()
        found = app.findChild(Tasks)
        if isinstance(found, Tasks):
            found.close()

    return leave


def _show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    report = "".join(traceback.format_exception(kind, error, trace))
    _log.error("%s", report)
    from libneuron.ui.dialogs import ErrorDialog

    ErrorDialog(
        QApplication.activeWindow(),
        name=translate("App", "Something unexpected happened"),
        sentence=translate("App", "The program made a mistake and could not finish what it was doing."),
        hint=translate("App", "You can go on. Please send the details to the people who make this program."),
        details=report,
    ).open()


def _quit_on_signals(app: QApplication) -> Callable[[], None]:
    """Python runs signal handlers only between its own instructions: a socket wakes Qt's loop for that."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(0)  # neither end may ever block
    before = signal.set_wakeup_fd(theirs.fileno())
    old = {number: signal.signal(number, lambda *_: app.quit()) for number in (signal.SIGINT, signal.SIGTERM)}
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: ours.recv(64))

    def restore() -> None:
        notifier.setEnabled(False)
        signal.set_wakeup_fd(before)
        for number, handler in old.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()

    return restore
