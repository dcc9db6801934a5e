"""The window: the machine's state, the time line of updates and roll backs, and one of them in detail."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStackedWidget, QWidget

from libneuron.errors import NeuronError
from libneuron.ui import icons
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.progress import ProgressPanel
from libneuron.ui.tasks import Task, tasks
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import Button, EmptyState, Notice, Scroller, Tone, column, menu_button, row
from libneuron.ui.window import Window
from neuron_update_guardian.asking import Asking
from neuron_update_guardian.detail import TONES, Detail, name_of, when
from neuron_update_guardian.model import Entry, Mood, Timeline, headline, outcome, with_holdings
from neuron_update_guardian.preview_dialog import PreviewDialog
from neuron_update_guardian.source import Source

_log = logging.getLogger(__name__)


class GuardianWindow(Window):
    """The Update Guardian. ``titles`` names checks by id; ``chosen`` is the entry shown first."""

    def __init__(self, source: Source, titles: Mapping[str, str], *, chosen: str = "") -> None:
        self._source = source
        self._titles = dict(titles)
        self._shown = Timeline()
        self._task: Task | None = None
        self._filling = False
        self._holdings: Mapping[str, Any] = {}
        self.preview: PreviewDialog | None = None
        self.asking = Asking(self, source, titles)
        self.banner = Notice("", tone=Tone.INFO)
        self.check = Button(
            translate("Guardian", "Check &now"),
            translate("Guardian", "Run all health checks and compare them with before the last update"),
            icon="restart",
            on_click=self.check_now,
        )
        self._actions = [  # a menu does not keep them
            self._action(translate("Guardian", "&Settings…"), self.asking.settings_wanted),
            self._action(translate("Guardian", "Save a re&port…"), self.asking.report_wanted),
        ]
        self.more = menu_button(
            translate("Guardian", "&More"),
            translate("Guardian", "Settings, and a report for somebody who can help"),
            self._actions,
        )
        self.list = QListWidget()
        self.list.setAccessibleName(translate("Guardian", "Time line"))
        self.list.setToolTip(translate("Guardian", "Updates and roll backs, the newest first"))
        self.list.setMinimumWidth(scaled(17 * SPACE))
        self.list.setIconSize(QSize(scaled(16), scaled(16)))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(self._show_current)
        self.detail = Detail()
        self.detail.roll_back_wanted.connect(self.ask_roll_back)
        self.detail.keep_wanted.connect(self.keep)
        self.detail.pin_wanted.connect(self.set_pin)
        self.detail.file_wanted.connect(self.asking.file_wanted)
        self.panel = ProgressPanel("")
        self.panel.hide()
        self.empty = EmptyState(
            "history",
            translate("Guardian", "No updates yet"),
            translate(
                "Guardian", "As soon as the computer is updated, what changed and how it went appears here."
            ),
        )
        self._stack = QStackedWidget()
        filled = QWidget()
        body = row(self.list, Scroller(column(self.detail)), gap=3)
        body.setStretch(0, 1)
        body.setStretch(1, 2)
        filled.setLayout(body)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(filled)
        content = column(
            row(self.banner, self.check, self.more, gap=2), self._stack, self.panel, gap=2, margin=3
        )
        content.setStretch(1, 1)
        super().__init__(translate("Guardian", "Update Guardian"), content, size=QSize(980, 640))
        self.refresh(chosen)

    @staticmethod
    def _action(text: str, done: Callable[[], None]) -> QAction:
        made = QAction(text)
        made.triggered.connect(lambda _checked: done())
        return made

    def look_around(self) -> None:
        """What restore points take and what others made is told later; without the helper it is left out."""
        tasks().start(
            lambda _progress: self._source.holdings(),
            owner=self,
            done=self.show_holdings,
            failed=lambda error: _log.info("no holdings: %s", error.sentence()),
        )

    def show_holdings(self, data: Mapping[str, Any]) -> None:
        """Show what restore points take, and other programs' snapshots in the time line."""
        self._holdings = data
        self.refresh()

    def wish(self, text: str) -> None:
        """Do what another start of the program was asked for: "show ID" or "rollback ID"."""
        found = re.fullmatch(r"(show|rollback) (r?[0-9]{1,9})", text, re.ASCII)
        if found is None:
            return
        self.refresh(found[2])
        if found[1] == "rollback" and self.preview is None:
            self.ask_roll_back(found[2])

    def refresh(self, chosen: str = "") -> None:
        """Read the published history anew; ``chosen`` (or what was chosen) stays chosen."""
        current = self.list.currentItem()
        wanted = chosen or (str(current.data(Qt.ItemDataRole.UserRole)) if current is not None else "")
        self._shown = with_holdings(self._source.timeline(), self._holdings)
        mood, text = headline(self._shown, translate)
        if self._shown.obstacle:
            text = f"{text} {self._shown.obstacle}"
        self.banner.show_text(text, TONES[mood])
        self._filling = True
        self.list.clear()
        row_wanted = 0
        for index, entry in enumerate(self._shown.entries):
            self.list.addItem(self._item(entry))
            if entry.id == wanted:
                row_wanted = index
        self.list.setCurrentRow(row_wanted if self._shown.entries else -1)
        self._filling = False
        self._stack.setCurrentIndex(1 if self._shown.entries else 0)
        self._show_current(self.list.currentRow())
        if not self.isVisible():
            (self.list if self._shown.entries else self.check).setFocus()

    @staticmethod
    def _item(entry: Entry) -> QListWidgetItem:
        text = f"{name_of(entry)}\n{when(entry)}\n{outcome(entry, translate)}"
        tone = TONES[entry.mood]
        item = QListWidgetItem(icons.icon(tone.icon, tone=tone.color), text)
        item.setData(Qt.ItemDataRole.UserRole, entry.id)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, text.replace("\n", ", "))
        return item

    def _show_current(self, at: int) -> None:
        if self._filling or not 0 <= at < len(self._shown.entries):
            return
        waits = translate("Guardian", "A roll back waits for a restart.") if self._shown.pending else ""
        obstacle = f"{self._shown.obstacle} {self._shown.obstacle_hint}".strip() or waits
        busy = self._task is not None and self._task.running
        self.detail.show_entry(self._shown.entries[at], titles=self._titles, obstacle=obstacle, busy=busy)

    def start_work(self, name: str, work: Any, done: Any) -> None:
        """Run ``work(progress)`` with its progress shown; one thing at a time."""
        if self._task is not None and self._task.running:
            return
        self.panel.name.setText(name)
        self.panel.bar.setAccessibleName(name)
        self._task = tasks().start(
            work,
            owner=self,
            done=done,
            failed=lambda error: self._failed(name, error),
            cancelled=self.refresh,
        )
        self._task.ended.connect(self._over)
        self.panel.follow(self._task)
        self.panel.show()
        self.check.setEnabled(False)
        self._show_current(self.list.currentRow())

    def _over(self) -> None:
        self._task = None
        self.panel.hide()
        self.check.setEnabled(True)
        self._show_current(self.list.currentRow())

    def _failed(self, name: str, error: NeuronError) -> None:
        show_error(self, error, heading=translate("Guardian", "Not done: {name}").format(name=name))
        self.refresh()

    def check_now(self) -> None:
        """Run all checks and say how they came out."""
        self.start_work(translate("Guardian", "Checking the system"), self._source.check, self._checked)

    def _checked(self, data: Mapping[str, Any]) -> None:
        verdict = data["verdict"]
        if verdict["regressions"]:
            names = ", ".join(self._titles.get(name, name) for name in verdict["regressions"])
            said, mood = translate("Guardian", "Something is wrong: {names}").format(names=names), Mood.BAD
        elif verdict["undecided"]:
            names = ", ".join(self._titles.get(name, name) for name in verdict["undecided"])
            said, mood = (
                translate("Guardian", "Could not be checked: {names}").format(names=names),
                Mood.UNKNOWN,
            )
        else:
            said, mood = translate("Guardian", "All checks are fine, or no worse than before."), Mood.GOOD
        self.banner.show_text(said, TONES[mood])
        announce(self, said)

    def ask_roll_back(self, point: str) -> None:
        """Show what rolling back to ``point`` would change, and ask."""
        self.start_work(
            translate("Guardian", "Looking what would change"),
            lambda _progress: self._source.preview(point),
            lambda data: self._show_preview(point, data),
        )

    def _show_preview(self, point: str, data: Mapping[str, Any]) -> None:
        self.preview = PreviewDialog(self, data)
        self.preview.accepted.connect(lambda: self._roll_back(point))
        self.preview.finished.connect(self._preview_over)
        self.preview.open()

    def _preview_over(self) -> None:
        self.preview = None

    def _roll_back(self, point: str) -> None:
        self.start_work(
            translate("Guardian", "Preparing the roll back"),
            lambda progress: self._source.roll_back(point, progress),
            lambda _none: self.refresh(),
        )

    def keep(self, update: str) -> None:
        """The person says that ``update`` is good."""
        self.start_work(
            translate("Guardian", "Keeping the update"),
            lambda _progress: self._source.confirm(update),
            lambda _none: self.refresh(),
        )

    def set_pin(self, update: str, pinned: bool) -> None:  # noqa: FBT001 — Qt's signal
        """Pin or unpin a restore point."""
        self.start_work(
            translate("Guardian", "Changing the restore point"),
            lambda _progress: self._source.pin(update, pinned=pinned),
            lambda _none: self.refresh(),
        )

    def say(self, text: str) -> None:
        """Something went well."""
        self.banner.show_text(text, Tone.GOOD)
        announce(self, text)
