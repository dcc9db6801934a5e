"""The first page: what will happen, and going on with what was interrupted."""

from __future__ import annotations

from collections.abc import Callable

from libneuron.ui.pages import Page
from libneuron.ui.text import translate
from libneuron.ui.widgets import Button, Card, Text, row


class WelcomePage(Page):
    """Promises; where an earlier run was interrupted, a way to go on with it or take it back."""

    def __init__(self, *, unfinished: bool, go_on: Callable[[], None], undo: Callable[[], None]) -> None:
        self.go_on = Button(
            translate("Migration", "&Go on"),
            translate("Migration", "Go on where the earlier migration stopped"),
            on_click=go_on,
        )
        self.undo = Button(
            translate("Migration", "&Take back"),
            translate("Migration", "Remove what the earlier migration has brought so far"),
            on_click=undo,
        )
        self.interrupted = Card(
            translate("Migration", "An earlier migration was interrupted"),
            Text(translate("Migration", "What it had brought is safe. You can go on, or take it back.")),
            row(self.go_on, None),
            row(self.undo, None),
        )
        super().__init__(
            translate("Migration", "Welcome"),
            translate("Migration", "This brings your files and settings over from Windows."),
            self.interrupted,
            Card(
                translate("Migration", "What you can count on"),
                Text(translate("Migration", "Your Windows drive is only read, never changed.")),
                Text(translate("Migration", "Nothing happens before you have seen and agreed to the plan.")),
                Text(translate("Migration", "Files that you have here are never overwritten.")),
                Text(
                    translate("Migration", "You can stop at any time, go on later, and take everything back.")
                ),
                Text(
                    translate(
                        "Migration", "At the end, a report accounts for every single file, copied or not."
                    )
                ),
            ),
            Card(
                translate("Migration", "Before you start"),
                Text(
                    translate(
                        "Migration",
                        "Close your web browsers. If Windows is on a drive of its own, connect and open it "
                        "once in your file manager.",
                    )
                ),
            ),
        )
        self.interrupted.setVisible(unfinished)  # only now: a card without a parent would be a window
        if unfinished:
            self.first_focus = self.go_on
