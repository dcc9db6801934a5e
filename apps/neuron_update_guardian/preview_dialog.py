"""What a roll back would change, before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QListWidget, QWidget

from libneuron.ui.announce import announce
from libneuron.ui.text import number, path, translate
from libneuron.ui.theme import SPACE, dialog_width, scaled
from libneuron.ui.widgets import Button, Notice, Text, Tone, column, danger_button, heading, row


class PreviewDialog(QDialog):
    """Shows the preview; accepted when the person wants the roll back."""

    def __init__(self, parent: QWidget | None, data: Mapping[str, Any]) -> None:
        super().__init__(parent)
        self.setWindowTitle(translate("Preview", "Roll back?"))
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(dialog_width(72 * SPACE))
        sentence = translate(
            "Preview",
            "The system goes back, with everything that was changed in these places since then.",
        )
        later = translate(
            "Preview",
            "It happens at the next start and is checked then. "
            "The present system is kept, so you can return.",
        )
        self.changes = QListWidget()
        self.changes.setAccessibleName(translate("Preview", "What changes"))
        self.changes.setToolTip(translate("Preview", "Packages and folders that go back"))
        self.changes.setMinimumHeight(scaled(12 * SPACE))
        self.changes.ensurePolished()  # else the first rows are as low as before the style came
        self.changes.addItems(_lines(data))
        self.changes.setCurrentRow(0)
        kept = [f"/{name}" for name in data.get("nested", ())]
        self.kept = Notice("", tone=Tone.GOOD)
        self.kept.setVisible(bool(kept))
        if kept:
            places = translate("Preview", "Stays exactly as it is now: {places}")
            self.kept.show_text(places.format(places=", ".join(map(path, kept))), Tone.GOOD)
        self.roll_back = danger_button(
            translate("Preview", "&Roll back"),
            translate("Preview", "Prepare the earlier system for the next start"),
            on_click=self.accept,
        )
        self.cancel = Button(
            translate("Preview", "&Cancel"),
            translate("Preview", "Change nothing and go back"),
            on_click=self.reject,
        )
        self.cancel.setDefault(True)
        whole = column(
            heading(translate("Preview", "Roll back to the state before?")),
            Text(sentence),
            Text(later, tone=Tone.MUTED),
            self.changes,
            self.kept,
            row(None, self.roll_back, self.cancel),
            gap=2,
            margin=3,
        )
        whole.setStretch(3, 1)  # the list: what changes
        self.setLayout(whole)
        self.cancel.setFocus()
        announce(self, f"{sentence} {later}")


def _lines(data: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, (now, then) in data.get("packages", {}).items():
        if not then:
            lines.append(translate("Preview", "{name} {version} is removed").format(name=name, version=now))
        elif not now:
            lines.append(translate("Preview", "{name} {version} comes back").format(name=name, version=then))
        else:
            changes = translate("Preview", "{name} {now} becomes {then}")
            lines.append(changes.format(name=name, now=now, then=then))
    for folder, count in data.get("folders", {}).items():
        text = translate("Preview", "{count} changed places in {folder} go back")
        lines.append(text.format(count=number(int(count)), folder=path(folder)))
    texts = {
        "boot_back": translate("Preview", "{file} (boot partition) becomes what it was"),
        "boot_gone": translate("Preview", "{file} (boot partition) is removed"),
    }
    lines += [text.format(file=path(file)) for key, text in texts.items() for file in data.get(key, ())]
    return lines or [translate("Preview", "Nothing differs.")]
