"""Whose files: one of the people found."""

from __future__ import annotations

from libneuron.ui.pages import Buttons, Page
from libneuron.ui.text import translate
from neuron_migration_assistant.choice import Choice
from neuron_migration_assistant.work import Job


class PersonPage(Page):
    """One row per person; the first is chosen."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.people = Choice(
            translate("Migration", "People"), translate("Migration", "Everybody whose files were found")
        )
        super().__init__(
            translate("Migration", "Whose files"),
            translate("Migration", "Choose the person whose files and settings are to come."),
            self.people,
        )
        self.first_focus = self.people

    def entered(self) -> None:
        """Show who was found."""
        names = [person.name for person in self._job.people]
        wanted = self._job.user if self._job.user in names else next(iter(names), None)
        self.people.fill([(name, name) for name in names], wanted)
        self.buttons = Buttons(next_enabled=bool(names))

    def leave(self) -> bool:
        """Remember the choice."""
        self._job.user = self.people.value
        return self._job.user is not None
