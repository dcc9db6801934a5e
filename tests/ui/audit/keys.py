"""Checks 4 and 5: the way of Tab and back, where it is seen, and Escape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QRadioButton, QWidget

from libneuron.ui.pages import PageStack
from tests.ui.audit.tree import Finding, area, place, takes_tab, widgets


def _group(widget: QWidget) -> QWidget:
    """The widget itself; for radio buttons their parent: Tab stops at one, the arrows reach the others."""
    parent = widget.parentWidget()
    together = isinstance(widget, QRadioButton) and widget.autoExclusive()
    return parent if together and parent is not None else widget


def _expected(window: QWidget) -> list[QWidget]:
    """Where Tab must stop."""
    return [widget for widget in widgets(window) if takes_tab(widget) and not widget.isWindow()]


def _walk(window: QWidget, key: Qt.Key, limit: int) -> list[QWidget]:
    """What ``key`` focuses, from the present place until it comes round."""
    seen: list[QWidget] = []
    for _ in range(limit):
        now = QApplication.focusWidget()
        if now is None or now in seen:
            break
        seen.append(now)
        QTest.keyClick(now, key)
    return seen


def _backwards(before: QWidget, after: QWidget, window: QWidget) -> bool:
    """Whether ``after`` stands before ``before`` for someone who reads lines or columns."""
    one, two = area(before, window), area(after, window)
    if window.layoutDirection() == Qt.LayoutDirection.RightToLeft:
        before_left, after_right = -one.right(), -two.left()
        before_right, after_left = -one.left(), -two.right()
    else:
        before_left, after_right = one.left(), two.right()
        before_right, after_left = one.right(), two.left()
    if two.bottom() <= one.top():
        return after_left < before_right  # above, and no later column
    overlap = min(one.bottom(), two.bottom()) - max(one.top(), two.top())
    return overlap > min(one.height(), two.height()) / 2 and after_right <= before_left


def focus_order(window: QWidget) -> Iterator[Finding]:
    """Check 4."""
    window.activateWindow()
    QApplication.processEvents()
    stops = _expected(window)
    if not stops:
        return
    first = QApplication.focusWidget()
    if first is None or first is window or first.window() is not window:
        yield Finding(4, place(window), "nothing has the focus when it opens")
        stops[0].setFocus(Qt.FocusReason.TabFocusReason)
    forth = _walk(window, Qt.Key.Key_Tab, 2 * len(stops) + 4)
    reached = {_group(widget) for widget in forth}
    for widget in stops:
        if _group(widget) not in reached:
            yield Finding(4, place(widget), "Tab does not reach it")
    if not forth:
        return
    if QApplication.focusWidget() is not forth[0]:
        yield Finding(4, place(window), "Tab does not come round")
        return
    back = _walk(window, Qt.Key.Key_Backtab, len(forth) + 4)
    if back[:1] + back[:0:-1] != forth:
        yield Finding(4, place(window), "Shift+Tab is not the reverse of Tab")
    turned = _from_top(forth, window)
    for before, after in pairwise(turned):
        if _backwards(before, after, window):
            yield Finding(4, place(after), f"Tab comes here after {place(before)}, against the reading order")


def _from_top(ring: list[QWidget], window: QWidget) -> list[QWidget]:
    """The ring turned so that it begins after a step backwards: coming round is one, others are findings."""
    steps = [at for at in range(len(ring)) if _backwards(ring[at - 1], ring[at], window)]
    return ring[steps[0] :] + ring[: steps[0]] if steps else ring


def focus_seen(window: QWidget) -> Iterator[Finding]:
    """Check 4, its last part: a widget looks different with the focus."""
    for widget in _expected(window):
        widget.clearFocus()
        QApplication.processEvents()
        without = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        if widget.hasFocus() and widget.grab().toImage() == without:
            yield Finding(4, place(widget), "looks the same with and without the focus")


def escape(window: QWidget) -> Iterator[Finding]:
    """Check 5: Escape cancels a dialog or a wizard. To be the last check: the window may be gone after it."""
    stack = window.findChild(PageStack)
    if isinstance(stack, PageStack) and stack.isVisible() and stack.cancel.isEnabled():
        heard: list[bool] = []
        stack.cancelled.connect(lambda: heard.append(True))
        QTest.keyClick(QApplication.focusWidget() or stack, Qt.Key.Key_Escape)
        if not heard:
            yield Finding(5, place(window), "Escape does not cancel")
    elif isinstance(window, QDialog):
        text = place(window)
        closed: list[bool] = []
        window.rejected.connect(lambda: closed.append(True))
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Escape)
        if not closed:
            yield Finding(5, text, "Escape does not close it")
