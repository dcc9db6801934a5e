"""The verbs as typed functions, over anything that can carry a request: a channel, or its owner's socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from libneuron.guest.errors import GuestError
from libneuron.guest.wire import png
from libneuron.guest.wire.content import TEXT, TEXT_IN_DATA
from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.requests import MAX_BODY_IN_MEMORY


class Reply(NamedTuple):  # the ping's way is kept short: a tuple is made in half the time
    """A successful response: its ``data``, and its body if it had one."""

    data: Mapping[str, Any]
    body: bytes = b""


class Requester(Protocol):
    """Carries requests to one guest; its methods belong to the asyncio loop."""

    @property
    def label(self) -> str:
        """The VM's name, for messages."""

    async def request(
        self,
        verb: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        timeout: float = 15.0,
    ) -> Reply:
        """Ask, and wait at most ``timeout`` seconds for the answer.

        Raises: GuestError (not-permitted, timeout, disconnected, the state's own, or what the guest said).
        """


@dataclass(frozen=True)
class GuestMode:
    """Pixels, and Hz (0: unknown)."""

    width: int
    height: int
    refresh: int


@dataclass(frozen=True)
class GuestApp:
    """An application of the guest; ``icon`` is base64 of a PNG, or empty."""

    id: str
    name: str
    path: str
    args: tuple[str, ...]
    icon: str


@dataclass(frozen=True)
class GuestWindow:
    """A window of the guest."""

    id: int
    title: str
    app: str
    focused: bool


@dataclass(frozen=True)
class ClipboardOffer:
    """What the guest's clipboard holds: MIME types, best first."""

    formats: tuple[str, ...]
    secret: bool
    own: bool


@dataclass(frozen=True)
class Screenshot:
    """A picture of the guest's desktop; sizes in pixels."""

    width: int
    height: int
    png: bytes


def _mode(fields: Fields) -> GuestMode:
    return GuestMode(
        fields.integer("width", 0, 1 << 16),
        fields.integer("height", 0, 1 << 16),
        fields.integer("refresh", 0, 10_000, 0),
    )


class GuestApi:
    """Every verb of a guest. What the guest answers is checked field by field."""

    def __init__(self, requester: Requester) -> None:
        self.requester = requester

    async def _ask(
        self, verb: str, data: Mapping[str, Any] | None = None, *, timeout: float = 15.0
    ) -> Fields:
        return Fields((await self.requester.request(verb, data, timeout=timeout)).data)

    def _odd(self, error: FieldError) -> GuestError:
        return GuestError("guest.protocol", vm=self.requester.label, details=str(error))

    async def ping(self, *, timeout: float = 5.0) -> None:
        """Whether the agent is there."""
        await self.requester.request("ping", timeout=timeout)

    async def info(self) -> Mapping[str, Any]:
        """What the guest says about itself (see ``Backend.info``)."""
        return (await self.requester.request("get_info")).data

    async def metrics(self) -> Mapping[str, float]:
        """cpu (0–1), memory_used and memory_total in bytes, uptime in seconds."""
        found = (await self.requester.request("get_metrics")).data
        try:
            return {key: float(value) for key, value in found.items() if isinstance(value, (int, float))}
        except OverflowError as error:
            raise GuestError("guest.protocol", vm=self.requester.label, details=str(error)) from error

    async def set_resolution(self, width: int, height: int, *, refresh: int = 0) -> GuestMode:
        """Switch the display; returns the mode the guest read back."""
        try:
            return _mode(
                await self._ask("set_resolution", {"width": width, "height": height, "refresh": refresh})
            )
        except FieldError as error:
            raise self._odd(error) from error

    async def modes(self) -> tuple[tuple[GuestMode, ...], GuestMode]:
        """The modes the display accepts, and the present one."""
        try:
            fields = await self._ask("list_modes")
            current = fields.objects("modes", count=4096)
            return tuple(map(_mode, current)), _mode(fields.object("current"))
        except FieldError as error:
            raise self._odd(error) from error

    async def launch(self, path: str, args: Sequence[str] = ()) -> int:
        """Start a program; returns its process id there."""
        try:
            return (await self._ask("launch_app", {"path": path, "args": list(args)})).integer(
                "pid", 0, 2**32
            )
        except FieldError as error:
            raise self._odd(error) from error

    async def apps(self, *, icons: bool = False) -> tuple[GuestApp, ...]:
        """The guest's applications."""
        try:
            fields = await self._ask("list_apps", {"icons": icons}, timeout=60)
            return tuple(
                GuestApp(
                    item.line("id"),
                    item.text("name", limit=512),
                    item.text("path", limit=32768),
                    item.texts("args", count=256),
                    item.text("icon", ""),
                )
                for item in fields.objects("apps", count=10_000)
            )
        except FieldError as error:
            raise self._odd(error) from error

    async def windows(self) -> tuple[GuestWindow, ...]:
        """The windows a person sees there."""
        try:
            return tuple(
                GuestWindow(
                    item.integer("id", 0, 2**63 - 1),
                    item.text("title", limit=65536),
                    item.text("app", "", limit=4096),
                    item.flag("focused", default=False),
                )
                for item in (await self._ask("list_windows")).objects("windows", count=10_000)
            )
        except FieldError as error:
            raise self._odd(error) from error

    async def focus_window(self, window: int) -> None:
        """Bring a window to the front."""
        await self._ask("focus_window", {"window": window})

    async def close_window(self, window: int) -> None:
        """Ask a window to close."""
        await self._ask("close_window", {"window": window})

    async def open_file(self, path: str) -> None:
        """Open a file of the guest with its default application."""
        await self._ask("open_file", {"path": path})

    async def open_url(self, url: str) -> None:
        """Open an http(s) address in the guest's browser."""
        await self._ask("open_url", {"url": url})

    async def clipboard_offer(self) -> ClipboardOffer:
        """What the guest's clipboard holds, without fetching it."""
        try:
            fields = await self._ask("clipboard_offer")
            return ClipboardOffer(
                fields.texts("formats", count=64, limit=256),
                fields.flag("secret", default=False),
                fields.flag("own", default=False),
            )
        except FieldError as error:
            raise self._odd(error) from error

    async def clipboard_text(self) -> str:
        """The guest's clipboard as text; empty where it holds none."""
        try:
            reply = await self.requester.request("clipboard_get", timeout=60)
            return reply.body.decode("utf-8", "replace") if reply.body else Fields(reply.data).text("text")
        except FieldError as error:
            raise self._odd(error) from error

    async def clipboard_read(self, mime: str) -> bytes:
        """One format of the guest's clipboard."""
        return (await self.requester.request("clipboard_get", {"mime": mime}, timeout=120)).body

    async def set_clipboard_text(self, text: str, *, secret: bool = False) -> None:
        """Replace the guest's clipboard by ``text``; a long one travels as a body."""
        data = text.encode("utf-8", "replace")
        if len(data) > TEXT_IN_DATA:
            await self.set_clipboard({TEXT: data}, secret=secret)
            return
        await self._ask("clipboard_set", {"text": text, "secret": secret}, timeout=60)

    async def set_clipboard(self, items: Mapping[str, bytes], *, secret: bool = False) -> None:
        """Replace the guest's clipboard by several formats of one copy."""
        size = sum(map(len, items.values()))
        if size > MAX_BODY_IN_MEMORY:
            raise GuestError("guest.too-large", size=size >> 20, limit=MAX_BODY_IN_MEMORY >> 20)
        formats = [{"mime": mime, "size": len(data)} for mime, data in items.items()]
        await self.requester.request(
            "clipboard_set",
            {"formats": formats, "secret": secret},
            body=b"".join(items.values()),
            timeout=120,
        )

    async def promise_clipboard(self, serial: int, formats: Sequence[str], *, secret: bool = False) -> None:
        """Replace the guest's clipboard by a promise; it tells (:data:`WANTED`) when somebody pastes.

        Without formats the promise is taken back. Raises: GuestError unknown-command (an older agent) or
        unsupported (a desktop that cannot promise).
        """
        data = {"serial": serial, "formats": list(formats), "secret": secret}
        await self._ask("clipboard_promise", data, timeout=90)

    async def supply_clipboard(self, wanted: int, data: bytes, *, problem: str = "") -> None:
        """Answer the guest's ``wanted`` with the content, or with a ``problem``'s code."""
        answer = {"wanted": wanted, "problem": problem}
        await self.requester.request("clipboard_supply", answer, body=data or None, timeout=120)

    async def screenshot(self) -> Screenshot:
        """The whole desktop."""
        reply = await self.requester.request("screenshot", timeout=60)
        if not reply.body.startswith(png.SIGNATURE):
            raise self._odd(FieldError("body", "is not a PNG"))
        try:
            fields = Fields(reply.data)
            size = fields.integer("width", 1, 1 << 15), fields.integer("height", 1, 1 << 15)
        except FieldError as error:
            raise self._odd(error) from error
        return Screenshot(*size, reply.body)

    async def power(self, action: str) -> None:
        """ "shutdown" or "reboot"; the guest answers before it happens."""
        await self.requester.request(action, timeout=30)
