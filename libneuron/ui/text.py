"""Words for people: translators, and numbers, sizes and durations as the person's language writes them."""

from __future__ import annotations

import os

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from libneuron.system.paths import resources


def translate(context: str, text: str, comment: str | None = None, n: int = -1) -> str:
    """Text in the person's language; also the ``translate`` that the library's errors and reports take.

    ``n`` chooses the plural form and fills ``%n``; ``comment`` helps the translator. Calls of this
    very name are read by ``translations/update.py``, so neither rename it nor wrap it.
    """
    return QCoreApplication.translate(context, text, comment, n)


def locale() -> QLocale:
    """The person's language and number formats; ``NEURON_LANGUAGE`` (for example ``ar``) overrides it."""
    wanted = os.environ.get("NEURON_LANGUAGE", "")
    return QLocale(wanted) if wanted else QLocale()


def install_translators(app: QCoreApplication) -> None:
    """Load Qt's own texts and ours for :func:`locale`; a language we lack falls back to English.

    English is loaded too: its file holds the plural forms ("1 file", "2 files").
    """
    language = locale()
    folder = str(resources() / "translations")
    for name, place, wanted in (
        ("qtbase", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath), language),
        ("neuron", folder, QLocale("en")),
        ("neuron", folder, language),
    ):
        translator = QTranslator(app)
        if translator.load(wanted, name, "_", place):
            app.installTranslator(translator)


def size(count: float) -> str:
    """A number of bytes: "1.4 MiB"."""
    return QLocale().formattedDataSize(round(count), 1)


def pixels(width: int, height: int) -> str:
    """ "1920 × 1080", in this order also within right-to-left text (Unicode isolates, UAX #9)."""
    return f"\u2066{width} × {height}\u2069"


def path(name: str) -> str:
    """A path, in its own order also within right-to-left text (Unicode isolates, UAX #9)."""
    return f"\u2066{name}\u2069"


def number(value: int) -> str:
    """A whole number with the language's digits and separators."""
    return QLocale().toString(value)


def duration(seconds: float) -> str:
    """Roughly how long, in words: "about 2 minutes"."""
    if seconds < 10:
        return translate("Text", "a few seconds")
    if seconds < 60:
        return translate("Text", "about %n second(s)", None, round(seconds / 5) * 5)
    if seconds < 90 * 60:
        return translate("Text", "about %n minute(s)", None, max(1, round(seconds / 60)))
    return translate("Text", "about %n hour(s)", None, round(seconds / 3600))
