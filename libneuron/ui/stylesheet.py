"""The one style sheet of the suite, as text made from the theme's colours. Knows no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

_SHEET = Template("""
QToolTip { background: $surface; color: $text; border: 1px solid $control; padding: 4px 6px; }

QPushButton, QToolButton#button {
    background: $raised; color: $text; border: 1px solid $control; border-radius: 6px;
    padding: 7px 14px;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $selected; color: $on_selected; }
QPushButton:checked { background: $selected; color: $on_selected; border-color: $accent; }
QPushButton:focus { border: 2px solid $focus; padding: 6px 13px; }
QPushButton:disabled { color: $disabled; border-color: $border; background: $window; }
QPushButton:default { background: $accent; color: $on_accent; border-color: $accent; }
QPushButton:default:focus { border-color: $text; }
QPushButton:default:disabled { color: $disabled; border-color: $border; background: $window; }
QPushButton[kind="danger"] { color: $danger; border-color: $danger; }
QPushButton[kind="flat"] { background: transparent; border-color: transparent; color: $info; }
QPushButton[kind="flat"]:hover { background: $hover; }
QPushButton[kind="flat"]:focus { border-color: $focus; }
QPushButton[kind="icon"] { padding: 7px 8px; }
QPushButton[kind="icon"]:focus { padding: 6px 7px; }
QPushButton::menu-indicator { subcontrol-origin: padding; subcontrol-position: right center; right: 10px; }
QPushButton[kind="menu"] { padding-right: 30px; }
QPushButton[kind="menu"]:focus { padding-right: 29px; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    background: $surface; color: $text; border: 1px solid $control; border-radius: 6px;
    selection-background-color: $selected; selection-color: $on_selected;
}
QLineEdit, QComboBox { padding: 7px 8px; }
QLineEdit, QPlainTextEdit, QTextEdit { placeholder-text-color: $muted; }
QSpinBox, QDoubleSpinBox { padding: 6px 8px; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QComboBox:focus {
    border: 2px solid $focus;
}
QLineEdit:focus, QComboBox:focus { padding: 6px 7px; }
QSpinBox:focus, QDoubleSpinBox:focus { padding: 5px 7px; }
QLineEdit:disabled, QComboBox:disabled { color: $disabled; border-color: $border; background: $window; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $control; }

QCheckBox, QRadioButton { spacing: 8px; padding: 3px; border: 2px solid transparent;
    border-radius: 6px; }
QCheckBox:focus, QRadioButton:focus { border-color: $focus; }
QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator {
    width: ${mark}px; height: ${mark}px; border: 1px solid $control; background: $surface;
}
QCheckBox::indicator, QAbstractItemView::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: ${round}px; }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {
    background: $accent; border-color: $accent; image: url($marks/check-$on_accent_ink.svg);
}
QCheckBox::indicator:indeterminate, QAbstractItemView::indicator:indeterminate {
    background: $accent; border-color: $accent; image: url($marks/partial-$on_accent_ink.svg);
}
QRadioButton::indicator:checked {
    border: ${ring}px solid $accent; width: ${dot}px; height: ${dot}px; background: $on_accent;
}
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QComboBox::drop-down { border: 0; width: 26px; }
QComboBox::down-arrow, QPushButton::menu-indicator {
    image: url($marks/down-$ink.svg); width: 12px; height: 12px;
}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    border: 0; width: 24px;
}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url($marks/up-$ink.svg); width: 12px; height: 12px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {
    image: url($marks/down-$ink.svg); width: 12px; height: 12px;
}

QAbstractItemView {
    background: $surface; color: $text; border: 1px solid $border; border-radius: 8px; outline: 0;
    selection-background-color: $selected; selection-color: $on_selected;
}
QAbstractItemView:focus { border: 2px solid $focus; }
QListView::item { padding: 8px; border-radius: 6px; }
QTreeView::item, QTableView::item { padding: 6px; }
QListView::item:hover, QTreeView::item:hover { background: $hover; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected {
    background: $selected; color: $on_selected;
}
QHeaderView::section {
    background: $window; color: $muted; border: 0; border-bottom: 1px solid $border; padding: 6px 8px;
}
QListView { padding: 4px; }
QListView:focus { padding: 3px; }

QTabBar::tab { padding: 8px 14px; border: 2px solid transparent; border-bottom-width: 3px; color: $muted; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { border-color: $focus; }
QTabWidget::pane { border: 0; border-top: 1px solid $border; }

QFrame[kind="card"] { background: $surface; border: 1px solid $border; border-radius: 10px; }
QFrame[kind="notice"] { background: $surface; border: 1px solid $border; border-radius: 8px; }
QFrame[kind="notice"][tone="danger"] { border-color: $danger; }
QFrame[kind="notice"][tone="warn"] { border-color: $warn; }
QFrame[kind="notice"][tone="good"] { border-color: $good; }
QFrame[kind="notice"][tone="info"] { border-color: $info; }
QFrame[kind="line"] { background: $border; border: 0; max-height: 1px; min-height: 1px; }
QFrame[kind="bar"] { background: $surface; border: 0; border-top: 1px solid $border; }

QLabel[tone="muted"] { color: $muted; }
QLabel[tone="danger"] { color: $danger; }
QLabel[tone="good"] { color: $good; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="info"] { color: $info; }
QLabel:focus { border: 2px solid $focus; border-radius: 4px; }

QSlider { border: 2px solid transparent; border-radius: 6px; }
QSlider:focus { border-color: $focus; }
QSlider::groove:horizontal { height: 4px; background: $control; border-radius: 2px; margin: 0 4px; }
QSlider::handle:horizontal {
    width: 18px; margin: -7px 0; background: $accent; border: 1px solid $accent; border-radius: 9px;
}

QProgressBar {
    background: $hover; border: 1px solid $control; border-radius: 5px; min-height: 8px; max-height: 8px;
}
QProgressBar::chunk { background: $accent; border-radius: 4px; }

QScrollArea, QScrollArea > QWidget > QWidget#scrolled { background: transparent; border: 0; }
QScrollArea:focus { border: 2px solid $focus; border-radius: 6px; }
QScrollBar { background: transparent; border: 0; margin: 0; }
QScrollBar:vertical { width: 12px; }
QScrollBar:horizontal { height: 12px; }
QScrollBar::handle { background: $control; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: $surface; color: $text; border: 1px solid $control; padding: 4px; }
QMenu::item { padding: 7px 28px 7px 28px; border-radius: 4px; }
QMenu::item:selected { background: $selected; color: $on_selected; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
""")


def stylesheet(colors: Mapping[str, str], *, height: int) -> str:
    """The sheet for ``colors`` (name → ``#rrggbb``, inks, and the folder of ``marks``).

    ``height`` is that of a line of the person's font, in device-independent pixels; boxes grow with it.
    Raises: KeyError if a colour that it uses is missing.
    """
    dot = height // 3
    ring = (height + 2 - dot) // 2
    return _SHEET.substitute(colors, mark=height, dot=dot, ring=ring, round=(dot + 2 * ring) // 2)
