"""What a person does with the Hardware Advisor's window."""

from __future__ import annotations

import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from libneuron.hardware import bundle
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.report import Report, judge
from libneuron.ui.dialogs import ErrorDialog
from libneuron.ui.widgets import Card, Text
from neuron_hardware_advisor.window import AdvisorWindow, this_pc
from tests.ui.scenes.advisor import PretendBoot
from tests.unit.hardware import typical
from tests.unit.hardware.pc import FIXTURES, recorded


@pytest.fixture
def window(qtbot: QtBot) -> AdvisorWindow:
    made = AdvisorWindow()
    qtbot.addWidget(made)
    made.show()
    return made


def parts(window: AdvisorWindow) -> list[QWidget]:
    tabs = window.tabs
    found = [] if tabs is None else [tabs.widget(at) for at in range(tabs.count())]
    return [widget for widget in found if widget is not None]


def rows(window: AdvisorWindow) -> list[QTreeWidgetItem]:
    found: list[QTreeWidgetItem] = []
    waiting = [
        window.topology.tree.topLevelItem(at) for at in range(window.topology.tree.topLevelItemCount())
    ]
    while waiting:
        item = waiting.pop(0)
        assert item is not None
        found.append(item)
        waiting = [item.child(at) for at in range(item.childCount())] + waiting
    return found


def test_the_pc_is_read_off_the_windows_thread(qtbot: QtBot, window: AdvisorWindow) -> None:
    threads: list[threading.Thread] = []

    def read() -> Report:
        threads.append(threading.current_thread())
        return judge(typical.good())

    window.look(read, "elsewhere")
    assert window.pages.currentWidget() is window.waiting
    assert not window.again.isEnabled()
    qtbot.waitUntil(lambda: window.tabs is not None)
    assert threads[0] is not threading.main_thread()
    assert window.again.isEnabled()
    assert window.source.toolTip() == "elsewhere"


def test_this_very_machine_is_shown(qtbot: QtBot, window: AdvisorWindow) -> None:
    window.look(this_pc, "this")
    qtbot.waitUntil(lambda: window.tabs is not None)
    assert window.answer.cards


def test_what_cannot_be_read_is_said_and_what_was_shown_stays(qtbot: QtBot, window: AdvisorWindow) -> None:
    window.show_report(judge(typical.good()))
    shown = window.tabs

    def read() -> Report:
        raise HardwareError("hardware.bundle-unreadable", path="x", problem="it is too large")

    window.look(read, "x")
    qtbot.waitUntil(lambda: bool(window.findChildren(ErrorDialog)))
    assert window.pages.currentWidget() is shown
    assert window.again.isEnabled()


def test_a_saved_pc_is_opened(qtbot: QtBot, window: AdvisorWindow) -> None:
    window.saved.open_bundle(FIXTURES / "qemu-two-gpus-one-of-them-shut-in.bundle")
    qtbot.waitUntil(lambda: window.tabs is not None)
    assert window.source.toolTip() == "qemu-two-gpus-one-of-them-shut-in.bundle"
    assert sum(item.text(1) == "Group 2" for item in rows(window)) == 5


def test_this_pc_is_saved(qtbot: QtBot, window: AdvisorWindow, tmp_path: Path) -> None:
    path = tmp_path / "mine.bundle"
    window.saved.save_bundle(path)
    qtbot.waitUntil(path.exists)
    assert bundle.open_file(path).names["/sys/bus/pci/devices"]


def test_looking_again_keeps_the_open_part(qtbot: QtBot, window: AdvisorWindow) -> None:
    window.show_report(judge(typical.shared()))
    assert window.tabs is not None
    window.tabs.setCurrentIndex(1)
    window.show_report(judge(typical.good()))
    assert window.tabs.currentIndex() == 1


def test_a_reason_is_shown_on_request(window: AdvisorWindow) -> None:
    window.show_report(judge(typical.shared()))
    card = window.answer.cards[0]
    assert card.reasons.isHidden()
    card.why.click()
    assert not card.reasons.isHidden()
    assert "0000:00:01.0" in card.reasons.text()
    card.why.click()
    assert card.reasons.isHidden()


def test_the_first_card_is_what_decided_the_answer(window: AdvisorWindow) -> None:
    report = judge(typical.shared())
    window.show_report(report)
    assert window.answer.cards[0].finding == report.verdict.because


def test_the_slider_compares_with_the_override(window: AdvisorWindow) -> None:
    window.show_report(judge(typical.shared()))
    before = {item.toolTip(0).split(", ")[2]: item.text(1) for item in rows(window)}
    assert before["0000:01:00.0"] == before["0000:02:00.0"]
    window.topology.condition.setValue(1)
    after = {item.toolTip(0).split(", ")[2]: item.text(1) for item in rows(window)}
    assert after["0000:01:00.0"] != after["0000:02:00.0"]
    assert "(predicted)" in after["0000:01:00.0"]
    assert "downstream" in window.topology.shown.text()


def test_the_tree_says_what_the_picture_shows(window: AdvisorWindow) -> None:
    window.show_report(judge(typical.shared()))
    said = [item.data(0, Qt.ItemDataRole.AccessibleTextRole) for item in rows(window)]
    assert any("RTX 3080" in text and "graphics card" in text and "Group 1" in text for text in said)
    assert sum("does not keep devices apart" in text for text in said) == 1


def test_what_is_chosen_in_the_tree_is_brought_into_view(qtbot: QtBot, window: AdvisorWindow) -> None:
    window.show_report(judge(typical.shared()))
    assert window.tabs is not None
    window.tabs.setCurrentIndex(1)
    window.resize(500, 400)
    QApplication.processEvents()
    last = rows(window)[-1]
    window.topology.tree.setCurrentItem(last)
    at = len(rows(window)) - 1
    made = window.topology.picture.picture()
    assert made is not None
    middle = made.boxes[at][1] + made.boxes[at][3] / 2
    room = window.topology.picture.parentWidget()
    assert room is not None
    top = -window.topology.picture.y()
    assert top <= middle <= top + room.height()


def test_the_picture_is_saved_as_a_drawing(window: AdvisorWindow, tmp_path: Path) -> None:
    window.show_report(judge(typical.shared()))
    window.saved.save_picture(tmp_path / "wiring.svg")
    texts = [node.text for node in ElementTree.parse(tmp_path / "wiring.svg").iter() if node.text]
    assert "Group 1" in texts
    assert any(text.startswith("✗ 0000:00:01.0") for text in texts)


def test_the_picture_is_saved_as_pixels(window: AdvisorWindow, tmp_path: Path) -> None:
    window.show_report(judge(typical.shared()))
    window.saved.save_picture(tmp_path / "wiring.png")
    image = QImage(str(tmp_path / "wiring.png"))
    made = window.topology.picture.picture()
    assert made is not None
    assert (image.width(), image.height()) == (made.width * 2, made.height * 2)


def test_a_picture_that_cannot_be_written_is_said(window: AdvisorWindow, tmp_path: Path) -> None:
    window.show_report(judge(typical.shared()))
    window.saved.save_picture(tmp_path / "missing" / "wiring.svg")
    assert window.findChildren(ErrorDialog)


def test_two_pcs_are_compared_in_a_part_of_its_own(qtbot: QtBot, window: AdvisorWindow) -> None:
    window.show_report(judge(recorded("qemu-two-root-ports-of-one-slot-with-acs")))
    window.saved.compare_with(FIXTURES / "qemu-acs-off-until-the-iommu-is-on.bundle")
    qtbot.waitUntil(lambda: window.comparison is not None)
    assert window.tabs is not None
    shown = window.tabs.currentWidget()
    assert shown is window.comparison
    said = [label.text() for label in shown.findChildren(Text)]
    at = said.index("Device protection (IOMMU)")
    assert said[at + 1 : at + 3] == ["Before: off by a start option", "After: on"]
    window.saved.compare_with(FIXTURES / "qemu-two-root-ports-of-one-slot-with-acs.bundle")
    qtbot.waitUntil(lambda: not parts(window)[-1].findChildren(Card))
    assert len(parts(window)) == 4, "the older comparison is gone"
    window.show_report(judge(typical.good()))
    assert len(parts(window)) == 3


def test_the_rest_is_read_as_the_administrator_on_a_click(qtbot: QtBot) -> None:
    window = AdvisorWindow(PretendBoot)
    qtbot.addWidget(window)
    window.show()
    window.show_report(judge(typical.unprivileged()))
    assert window.answer.closer is not None
    window.answer.closer.click()
    qtbot.waitUntil(lambda: window.answer.closer is None)
    assert window.report is not None
    assert window.report.machine == typical.good()
    assert "administrator" in window.source.toolTip()


def test_nobody_is_sent_to_an_administrator_who_cannot_be_asked(window: AdvisorWindow) -> None:
    window.show_report(judge(typical.unprivileged()))
    assert window.answer.closer is None
