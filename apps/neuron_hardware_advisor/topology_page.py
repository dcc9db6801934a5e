"""The second page: how the PC is wired, as a picture and as a tree for the keyboard and a screen reader."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QApplication,
    QHeaderView,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from libneuron.errors import QT_TRANSLATE_NOOP
from libneuron.hardware.acs import Override
from libneuron.hardware.drawing import Ink, Picture, draw
from libneuron.hardware.isolation import OVERRIDES
from libneuron.hardware.machine import Machine
from libneuron.hardware.topology import View, group_text, row_text, view
from libneuron.system.files import write_atomic
from libneuron.ui.announce import announce
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE, recolored, scaled, theme
from libneuron.ui.widgets import Button, Text, column, row

_NOW = QT_TRANSLATE_NOOP("Advisor", "Groups as they are now")
_SOON = QT_TRANSLATE_NOOP("Advisor", "Groups as they would be with the protection on (predicted)")
_WITH = QT_TRANSLATE_NOOP("Advisor", "Predicted with the ACS override “{setting}”")
_ROW = Qt.ItemDataRole.UserRole


def _measure(text: str, size: int) -> float:
    font = QFont(QApplication.font())
    font.setPixelSize(size)
    font.setBold(True)
    return QFontMetricsF(font).horizontalAdvance(text)


class TopologyPicture(QWidget):
    """Draws the tree; grows with the person's font and follows the theme and the reading direction."""

    def __init__(self) -> None:
        super().__init__()
        self._view: View | None = None
        self._chosen: int | None = None
        self._picture: Picture | None = None
        self._renderer = QSvgRenderer(self)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(translate("Advisor", "Picture of how the devices are connected"))
        self.setAccessibleDescription(translate("Advisor", "The list beside it tells the same in words"))

    def show_view(self, of: View) -> None:
        """Draw another tree."""
        self._view, self._chosen = of, None
        self._redraw()

    def choose(self, at: int | None) -> QRectF | None:
        """Point at a row; returns where it is in the widget."""
        self._chosen = at
        self._redraw()
        if at is None or self._picture is None:
            return None
        x, y, width, height = self._picture.boxes[at]
        factor = self._factor()
        return QRectF(x * factor, y * factor, width * factor, height * factor)

    def picture(self, ink: Ink | None = None) -> Picture | None:
        """What is drawn; with ``ink`` in other colours, for a file."""
        if self._view is None:
            return None
        return draw(
            self._view,
            ink or self._ink(),
            translate=translate,
            measure=_measure,
            mirrored=QApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft,
            chosen=self._chosen,
        )

    @staticmethod
    def _factor() -> float:
        return scaled(100) / 100

    @staticmethod
    def _ink() -> Ink:
        colors = theme().colors
        return Ink(
            ground=colors.window,
            surface=colors.surface,
            text=colors.text,
            muted=colors.muted,
            line=colors.control,
            accent=colors.accent,
            danger=colors.danger,
            family=QApplication.font().family(),
        )

    def _redraw(self) -> None:
        self._picture = self.picture()
        if self._picture is not None:
            self._renderer.load(QByteArray(self._picture.svg.encode()))
            factor = self._factor()
            self.setFixedSize(
                QSize(round(self._picture.width * factor), round(self._picture.height * factor))
            )
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme, the font and the reading direction."""
        if recolored(event) or event.type() in (
            QEvent.Type.FontChange,
            QEvent.Type.LayoutDirectionChange,
        ):
            self._redraw()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture."""
        if self._picture is not None:
            painter = QPainter(self)
            self._renderer.render(painter, QRectF(self.rect()))
            painter.end()


class TopologyPage(QWidget):
    """The picture, the same as a tree, and a choice between the groups as they are and as predicted."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine
        self._conditions = [translate(*(_NOW if machine.groups else _SOON))]
        for override in OVERRIDES:
            setting = ",".join(one for one in Override if one in override)
            self._conditions.append(translate(*_WITH).format(setting=setting))
        self.condition = QSlider(Qt.Orientation.Horizontal)
        self.condition.setRange(0, len(OVERRIDES))
        self.condition.setPageStep(1)
        self.condition.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.condition.setFixedWidth(scaled(14 * SPACE))
        self.condition.setMinimumHeight(scaled(30))
        self.condition.setAccessibleName(translate("Advisor", "Before and after an ACS override"))
        self.condition.setToolTip(
            translate("Advisor", "Compare the groups as they are with those an override is predicted to make")
        )
        self.condition.valueChanged.connect(self._show)
        self.shown = Text()
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([translate("Advisor", "Device"), translate("Advisor", "Group")])
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.setAccessibleName(translate("Advisor", "Devices and their groups"))
        self.tree.setToolTip(translate("Advisor", "Each device below the port it is connected to"))
        self.tree.currentItemChanged.connect(self._point)
        self.picture = TopologyPicture()
        self._area = QScrollArea()
        self._area.setWidget(self.picture)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.export = Button(
            translate("Advisor", "Save &picture…"),
            translate("Advisor", "Save the picture as an SVG or PNG file"),
            icon="picture",
        )
        self.stops: list[QWidget] = [self.condition, self.export, self.tree]
        both = row(self.tree, self._area, gap=2)
        both.setStretch(0, 2)
        both.setStretch(1, 3)
        self.note = Text(
            translate(
                "Advisor",
                "Devices in one frame go to a virtual machine together or not at all. A port marked ✗ is why"
                " a frame is larger than it should be.",
            )
        )
        top = row(self.condition, self.shown, self.export, gap=2)
        top.setStretch(1, 1)
        body = column(self.note, top, both, gap=2, margin=2)
        body.setStretch(2, 1)
        self.setLayout(body)
        self._show(0)

    def _show(self, at: int) -> None:
        shown = view(self._machine, OVERRIDES[at - 1] if at > 0 else None)
        self.picture.show_view(shown)
        self.shown.setText(self._conditions[at])
        self.condition.setAccessibleDescription(self._conditions[at])
        announce(self, self._conditions[at])
        silent = QSignalBlocker(self.tree)
        self.tree.clear()
        items: list[QTreeWidgetItem] = []
        for index, device in enumerate(shown.rows):
            said = row_text(device, predicted=shown.predicted, translate=translate)
            group = group_text(device.group, predicted=shown.predicted, translate=translate)
            item = QTreeWidgetItem([device.device.name, group])
            item.setToolTip(0, said)
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, said)
            item.setData(0, _ROW, index)
            items.append(item)
            if device.above is None:
                self.tree.addTopLevelItem(item)
            else:
                items[device.above].addChild(item)
        self.tree.expandAll()
        silent.unblock()

    def _point(self, item: QTreeWidgetItem | None) -> None:
        """Show in the picture what is chosen in the tree."""
        place = self.picture.choose(None if item is None else int(item.data(0, _ROW)))
        if place is not None:
            center = place.center()
            half = (round(place.width() / 2), round(place.height()))
            self._area.ensureVisible(round(center.x()), round(center.y()), *half)

    def save(self, path: Path) -> None:
        """Write the picture, in the colours of paper; the ending decides between SVG and PNG.

        Raises: OSError where it cannot be written.
        """
        made = self.picture.picture(Ink(family=QApplication.font().family()))
        assert made is not None
        write_atomic(path, _png(made) if path.suffix.lower() == ".png" else made.svg.encode(), durable=False)


def _png(made: Picture) -> bytes:
    """At twice the size, for printing."""
    image = QImage(made.width * 2, made.height * 2, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(made.svg.encode())).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # PySide6's stub wants bytes for the format
    return bytes(buffer.data().data())
