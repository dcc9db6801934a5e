"""What each verb does: a checked request and a backend in, an answer out. Runs on worker threads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from libneuron.guest.wire import png
from libneuron.guest.wire.content import TEXT, TEXT_IN_DATA
from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.requests import (
    ClipboardGet,
    ClipboardSet,
    LaunchApp,
    ListApps,
    Nothing,
    OneWindow,
    OpenTarget,
    Permission,
    SetResolution,
)
from libneuron.guest.wire.transfers import (
    ClipboardPromise,
    FileRead,
    FilesBegin,
    FilesDiscard,
    FilesFinish,
    FileWrite,
)
from neuron_guest.backend import Backend, BackendError, Mode
from neuron_guest.files_link import OpenBatches
from neuron_guest.promises import Promises

_R = TypeVar("_R")
_ICONS = 2 * 1024 * 1024  # bytes of all icons of one answer; they are decoration


@dataclass(frozen=True)
class Answer:
    """A successful response: ``data``, an optional body, and what happens once it has been sent."""

    data: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    after: Callable[[], None] | None = None


@dataclass(frozen=True)
class Call(Generic[_R]):
    """One request, checked, with all of its body."""

    backend: Backend
    request: _R
    body: bytes
    permissions: frozenset[Permission]
    promises: Promises
    batches: OpenBatches


Handler = Callable[[Call[Any]], Answer]


def _get_info(call: Call[Nothing]) -> Answer:
    return Answer(dict(call.backend.info()))


def _get_metrics(call: Call[Nothing]) -> Answer:
    return Answer(dict(call.backend.metrics()))


def _mode(mode: Mode) -> dict[str, int]:
    return {"width": mode.width, "height": mode.height, "refresh": mode.refresh}


def _set_resolution(call: Call[SetResolution]) -> Answer:
    return Answer(
        _mode(call.backend.set_mode(Mode(call.request.width, call.request.height, call.request.refresh)))
    )


def _list_modes(call: Call[Nothing]) -> Answer:
    return Answer(
        {"modes": [_mode(mode) for mode in call.backend.modes()], "current": _mode(call.backend.mode())}
    )


def _launch_app(call: Call[LaunchApp]) -> Answer:
    return Answer({"pid": call.backend.launch(call.request.path, call.request.args)})


def _list_apps(call: Call[ListApps]) -> Answer:
    apps = []
    left = _ICONS
    for app in call.backend.apps(icons=call.request.icons):
        icon = app.icon if len(app.icon) <= left else b""
        left -= len(icon)
        apps.append(
            {
                "id": app.id,
                "name": app.name,
                "path": app.path,
                "args": list(app.args),
                "icon": base64.b64encode(icon).decode(),
            }
        )
    return Answer({"apps": apps})


def _list_windows(call: Call[Nothing]) -> Answer:
    windows = [
        {"id": window.id, "title": window.title, "app": window.app, "focused": window.focused}
        for window in call.backend.windows()
    ]
    return Answer({"windows": windows})


def _focus_window(call: Call[OneWindow]) -> Answer:
    call.backend.focus_window(call.request.window)
    return Answer()


def _close_window(call: Call[OneWindow]) -> Answer:
    call.backend.close_window(call.request.window)
    return Answer()


def _open(call: Call[OpenTarget]) -> Answer:
    call.backend.open(call.request.target)
    return Answer()


def _clipboard_offer(call: Call[Nothing]) -> Answer:
    offer = call.backend.clipboard_offer()
    return Answer({"formats": list(offer.formats), "secret": offer.secret, "own": offer.own})


def _clipboard_get(call: Call[ClipboardGet]) -> Answer:
    if call.backend.clipboard_offer().secret and Permission.SECRETS not in call.permissions:
        raise BackendError("secret", "a password manager marked this copy as secret")
    if call.request.mime:
        data = call.backend.clipboard_read(call.request.mime)
        return Answer({"mime": call.request.mime, "size": len(data)}, body=data)
    if TEXT not in call.backend.clipboard_offer().formats:
        return Answer({"text": ""})
    data = call.backend.clipboard_read(TEXT)
    if len(data) > TEXT_IN_DATA:
        return Answer({"mime": TEXT, "size": len(data)}, body=data)
    return Answer({"text": data.decode("utf-8", "replace")})


def _clipboard_set(call: Call[ClipboardSet]) -> Answer:
    items: dict[str, bytes] = {}
    if call.request.text is not None:
        items[TEXT] = call.request.text.encode()
    at = 0
    for mime, size in call.request.formats:
        items[mime] = call.body[at : at + size]
        at += size
    if at != len(call.body):
        raise FieldError("data.formats", "do not add up to the body's size")
    call.backend.clipboard_write(items, secret=call.request.secret)
    return Answer()


def _clipboard_promise(call: Call[ClipboardPromise]) -> Answer:
    promise, promises = call.request, call.promises
    call.backend.clipboard_promise(
        promise.formats, lambda mime: promises.fetch(promise.serial, mime), secret=promise.secret
    )
    return Answer()


def _files_begin(call: Call[FilesBegin]) -> Answer:
    return Answer({"batch": call.batches.begin(call.request.size)})


def _file_write(call: Call[FileWrite]) -> Answer:
    piece = call.request
    call.backend.files.write(piece.batch, piece.path, piece.offset, call.body, directory=piece.directory)
    return Answer()


def _files_finish(call: Call[FilesFinish]) -> Answer:
    uris = call.backend.files.finish(call.request.batch, call.request.place)
    call.batches.closed(call.request.batch)
    return Answer({"uris": list(uris)})


def _files_discard(call: Call[FilesDiscard]) -> Answer:
    call.backend.files.discard(call.request.batch)
    call.batches.closed(call.request.batch)
    return Answer()


def _files_list(call: Call[Nothing]) -> Answer:
    if call.backend.clipboard_offer().secret and Permission.SECRETS not in call.permissions:
        raise BackendError("secret", "a password manager marked this copy as secret")
    return Answer(dict(call.backend.files.copied()))


def _file_read(call: Call[FileRead]) -> Answer:
    piece = call.request
    return Answer(body=call.backend.files.read(piece.batch, piece.node, piece.offset, piece.count))


def _screenshot(call: Call[Nothing]) -> Answer:
    picture = call.backend.screenshot()
    size = png.size(picture)
    if size is None:
        raise BackendError("failed", "the picture is not a PNG")
    width, height = size
    return Answer({"format": "png", "width": width, "height": height, "size": len(picture)}, body=picture)


def _power(action: str) -> Handler:
    def handle(call: Call[Nothing]) -> Answer:
        return Answer(after=lambda: call.backend.power(action))

    return handle


HANDLERS: Mapping[str, Handler] = {
    "get_info": _get_info,
    "get_metrics": _get_metrics,
    "set_resolution": _set_resolution,
    "list_modes": _list_modes,
    "launch_app": _launch_app,
    "list_apps": _list_apps,
    "list_windows": _list_windows,
    "focus_window": _focus_window,
    "close_window": _close_window,
    "open_file": _open,
    "open_url": _open,
    "clipboard_offer": _clipboard_offer,
    "clipboard_get": _clipboard_get,
    "clipboard_set": _clipboard_set,
    "clipboard_promise": _clipboard_promise,
    "files_begin": _files_begin,
    "file_write": _file_write,
    "files_finish": _files_finish,
    "files_discard": _files_discard,
    "files_list": _files_list,
    "file_read": _file_read,
    "screenshot": _screenshot,
    "shutdown": _power("shutdown"),
    "reboot": _power("reboot"),
}
"""Verbs that need the desktop. ``ping``, ``hello``, ``enrol``, ``cancel`` and ``clipboard_supply`` are the
agent's own."""
