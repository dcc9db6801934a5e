"""What to bring: the scan while it runs, then every item with its size, to be chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QStyle, QTreeWidget, QTreeWidgetItem

from libneuron.errors import NeuronError
from libneuron.ui.dialogs import show_error
from libneuron.ui.pages import Buttons, Page
from libneuron.ui.progress import ProgressPanel
from libneuron.ui.tasks import Task, tasks
from libneuron.ui.text import number, size, translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import Text
from neuron_migration_assistant import texts
from neuron_migration_assistant.work import Job, PlanView


class ChoosePage(Page):
    """Plans when it is entered for another source or person; keeps the choice otherwise."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._planned: tuple[object, object] | None = None
        self._task: Task | None = None
        self.panel = ProgressPanel(translate("Migration", "Looking at every file"))
        self.panel.cancel.hide()  # going back stops it
        self.items = QTreeWidget()
        self.items.setColumnCount(4)
        self.items.setHeaderLabels(
            [
                translate("Migration", "Name"),
                translate("Migration", "Files"),
                translate("Migration", "Size"),
                translate("Migration", "Goes to"),
            ]
        )
        self.items.setAccessibleName(translate("Migration", "What to bring"))
        self.items.setToolTip(translate("Migration", "Space brings an item or leaves it out"))
        self.items.setRootIsDecorated(False)
        self.items.setMinimumHeight(scaled(26 * SPACE))
        header = self.items.header()
        header.setStretchLastSection(False)  # a place that is too long is scrolled to, not cut
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.items.itemChanged.connect(self._sum)
        self.items.currentItemChanged.connect(self._explain)
        self.explanation = Text("")
        self.total = Text("", bold=True)
        super().__init__(
            translate("Migration", "What to bring"),
            translate("Migration", "Everything useful is chosen already. Nothing has been copied yet."),
            self.panel,
            self.items,
            self.explanation,
            self.total,
        )
        self.first_focus = self.items
        self._show(planned=False)

    def entered(self) -> None:
        """Plan, unless the plan on screen is the right one."""
        wanted = (self._job.source, self._job.user)
        if self._planned == wanted or self._job.source is None or self._job.user is None:
            return
        self._planned = wanted
        source, user = self._job.source, self._job.user
        self._show(planned=False)
        self._task = tasks().start(
            lambda progress: self._job.make_plan(source, user, progress),
            owner=self,
            done=self.show_plan,
            failed=self._failed,
            cancelled=self._stopped,
        )
        self.panel.follow(self._task)

    @property
    def busy(self) -> bool:
        """Whether the scan runs."""
        return self._task is not None and self._task.running

    def stop(self) -> None:
        """Stop the scan, because the person went elsewhere."""
        if self._task is not None and self._task.running:
            self._task.cancel()
            self._planned = None

    def show_plan(self, plan: PlanView) -> None:
        """Fill the list."""
        self._job.plan = plan
        self.items.blockSignals(True)  # noqa: FBT003 — Qt's signature
        self.items.clear()
        for one in plan.items:
            if not one.totals.seen:
                continue
            row = QTreeWidgetItem([texts.name(one), number(one.count), size(one.size), texts.place(one)])
            row.setData(0, Qt.ItemDataRole.UserRole, one.item.id)
            row.setToolTip(0, texts.explanation(one))
            row.setCheckState(0, Qt.CheckState.Checked)
            end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            for column in (1, 2):
                row.setTextAlignment(column, end)
            self.items.addTopLevelItem(row)
        self.items.blockSignals(False)  # noqa: FBT003 — Qt's signature
        # Qt's own measure of a name forgets the box before it.
        box = self.items.style().pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth)
        self.items.setColumnWidth(0, self.items.sizeHintForColumn(0) + box + SPACE)
        self._show(planned=True)
        for row in self._rows()[:1]:
            self.items.setCurrentItem(row)
            if self.isVisible():
                self.items.setFocus()
        self._sum()

    def leave(self) -> bool:
        """Remember the choice."""
        self._job.selected = self.chosen()
        return True

    def chosen(self) -> frozenset[str]:
        """The ids of the items that are to come."""
        return frozenset(
            str(row.data(0, Qt.ItemDataRole.UserRole))
            for row in self._rows()
            if row.checkState(0) == Qt.CheckState.Checked
        )

    def _rows(self) -> list[QTreeWidgetItem]:
        found = [self.items.topLevelItem(index) for index in range(self.items.topLevelItemCount())]
        return [row for row in found if row is not None]

    def _sum(self) -> None:
        plan, chosen = self._job.plan, self.chosen()
        if plan is None:
            return
        come = [one for one in plan.items if one.item.id in chosen]
        self.total.setText(
            translate("Migration", "{count} files and folders, {size}; {free} are free here.").format(
                count=number(sum(one.count for one in come)),
                size=size(sum(one.size for one in come)),
                free=size(plan.space.free),
            )
        )
        self.buttons = Buttons(next_enabled=bool(come))

    def _explain(self, row: QTreeWidgetItem | None) -> None:
        self.explanation.setText(row.toolTip(0) if row is not None else "")

    def _show(self, *, planned: bool) -> None:
        self.panel.setVisible(not planned)
        for widget in (self.items, self.explanation, self.total):
            widget.setVisible(planned)
        if not planned:
            self.buttons = Buttons(next_enabled=False)

    def _failed(self, error: NeuronError) -> None:
        self._planned = None
        show_error(self, error, heading=translate("Migration", "The source could not be looked through"))

    def _stopped(self) -> None:
        self._task = None
        if self.isVisible():  # come back to before the scan had stopped
            self.entered()
