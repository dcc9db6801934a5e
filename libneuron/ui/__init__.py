"""The Qt face of the library. Import from the modules; this file imports nothing.

===============  ===========================================================================================
``app``          ``application(app_id=…, name=…)``, then ``run(app, make_window)``
``window``       ``Window(name, layout, size=QSize(…))``: a main window; or subclass it and ``fill(layout)``
``pages``        ``PageStack([Page(name, sentence, *items), …])``: a wizard; ``page.buttons = Buttons(…)``,
                 ``page.entered()``, ``page.leave()``, ``page.first_focus``, ``stack.go_to(page)``
``widgets``      ``title heading Text muted OneLine``; ``Button danger_button icon_button menu_button``;
                 ``Card Notice Status EmptyState Scroller Picture line labelled``;
                 ``row column`` (None = stretch); ``Tone`` (PLAIN MUTED INFO GOOD WARN DANGER UNKNOWN)
``dialogs``      ``show_error(parent, error, heading=…)``, ``confirm(parent, …, then=…)``; both return at once
``tasks``        ``tasks().start(work, owner=widget, done=…, failed=…)``; ``work(progress)`` runs on a thread
``progress``     ``show_progress(parent, task, heading=…)``, or a ``ProgressPanel`` in a page
``text``         ``translate``, ``size``, ``number``, ``duration``
``field``        ``Field(read)``: a line to write into whose menu and paste never wait for the clipboard
``icons``        ``icon("name")``, ``pixmap("name", size)``: drawings of resources/icons/symbolic
``theme``        ``SPACE``, ``theme().colors``; nobody else names a colour or a font size
``announce``     ``announce(widget, "words")`` for screen readers
===============  ===========================================================================================

Rules for windows
    - All texts through ``translate("Context", "text")``: this very name, two plain literals (adjacent ones
      are joined; no f-string, no variable: ``translations/update.py`` reads the source). Values by
      ``.format(name=…)``. Counts: ``translate("Context", "%n file(s)", None, count)``.
    - Texts of the library: ``QT_TRANSLATE_NOOP`` tables (``libneuron.errors``), given ``translate``.
    - ``python translations/update.py`` after changing texts with ``%n``.
    - Nothing slow on Qt's thread: ``tasks().start``. No nested event loop (no ``exec`` but the app's).
    - Register each window and state in ``tests/ui/scenes``: it is pictured by ``./dev shots`` and audited in
      every variant (dark, high contrast, 200 % text, right to left, pseudo-locale).
    - Each button and field has a tooltip; a field has a name (``labelled``, or ``setAccessibleName``).
    - Keep a reference to each top-level window; dialogs have a parent.
"""
