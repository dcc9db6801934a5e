"""The administrator's choices: restore points, automatic roll back, which checks are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QListWidget, QListWidgetItem, QSpinBox, QWidget

from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE, dialog_width, scaled
from libneuron.ui.widgets import Button, Card, Scroller, column, heading, labelled, muted, row
from libneuron.updates.settings import LIMITS, Settings


class SettingsDialog(QDialog):
    """Shows ``settings``; :attr:`wished` is sent with the changed ones when the person saves."""

    wished = Signal(object)

    def __init__(self, parent: QWidget | None, settings: Settings, titles: Mapping[str, str]) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(translate("GuardianSettings", "Settings"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(dialog_width(72 * SPACE))
        self.keep = _number(
            "keep",
            settings.keep,
            translate("GuardianSettings", "The last good one and pinned ones are never removed"),
        )
        self.automatic = QCheckBox(translate("GuardianSettings", "&Roll back by itself after failed starts"))
        self.automatic.setToolTip(
            translate("GuardianSettings", "Once for an update; what comes after is for you to decide")
        )
        self.automatic.setChecked(settings.automatic)
        self.attempts = _number(
            "attempts",
            settings.attempts,
            translate("GuardianSettings", "So many starts may fail before it rolls back"),
        )
        self.attempts.setEnabled(settings.automatic)
        self.automatic.toggled.connect(self.attempts.setEnabled)
        self.checks = QListWidget()
        self.checks.setAccessibleName(translate("GuardianSettings", "Checks"))
        self.checks.setToolTip(translate("GuardianSettings", "Space switches a check on or off"))
        self.checks.setMinimumHeight(scaled(18 * SPACE))
        self.checks.setWordWrap(True)
        self.checks.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.checks.ensurePolished()
        for name, title in titles.items():
            item = QListWidgetItem(title)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked if name in settings.skip else Qt.CheckState.Checked)
            self.checks.addItem(item)
        self.checks.setCurrentRow(0)
        self.save = Button(
            translate("GuardianSettings", "&Save"),
            translate("GuardianSettings", "Keep these settings; this may ask for a password"),
            icon="check",
            on_click=self._save,
        )
        self.cancel = Button(
            translate("GuardianSettings", "&Cancel"),
            translate("GuardianSettings", "Change nothing and go back"),
            on_click=self.reject,
        )
        self.save.setDefault(True)
        points = Card(
            translate("GuardianSettings", "Restore points"),
            row(labelled(translate("GuardianSettings", "How many to &keep"), self.keep), None),
            row(self.keep, None),
        )
        starts = Card(
            translate("GuardianSettings", "Failed starts"),
            self.automatic,
            row(labelled(translate("GuardianSettings", "Starts that may &fail"), self.attempts), None),
            row(self.attempts, None),
        )
        made = Card(
            translate("GuardianSettings", "Checks before and after updates"),
            self.checks,
            muted(translate("GuardianSettings", "What is not checked cannot be noticed.")),
        )
        whole = Scroller(
            column(heading(translate("GuardianSettings", "Settings")), points, starts, made, gap=2)
        )
        self.setLayout(column(whole, row(None, self.save, self.cancel), gap=2, margin=3))
        room = self.screen().availableSize().height() - 8 * SPACE
        self.resize(dialog_width(72 * SPACE), min(scaled(66 * SPACE), room))
        self.keep.setFocus()

    def _save(self) -> None:
        items = [self.checks.item(index) for index in range(self.checks.count())]
        shown = {str(item.data(Qt.ItemDataRole.UserRole)): item.checkState() for item in items}
        skip = [name for name in self._settings.skip if name not in shown]  # of checks that are not here now
        skip += [name for name, state in shown.items() if state is Qt.CheckState.Unchecked]
        self.wished.emit(
            replace(
                self._settings,
                keep=self.keep.value(),
                automatic=self.automatic.isChecked(),
                attempts=self.attempts.value(),
                skip=tuple(skip),
            )
        )
        self.accept()


def _number(name: str, value: int, tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(*LIMITS[name])
    field.setValue(value)
    field.setToolTip(tip)
    return field
