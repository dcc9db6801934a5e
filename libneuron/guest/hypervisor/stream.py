"""The channel through libvirt's own connection (``virDomainOpenChannel``): for people who may not open the
socket, and for VMs on other computers.

The stream gets a connection of its own: libvirtd stops reading a client whose stream's other end does not
drain, which would hold up every other call on a shared one. Reading follows libvirt's events; writing has a
thread, because a "non-blocking" send through the remote driver still blocks while its socket is full
(libvirt ``src/rpc/virnetclientstream.c``: data packets are written out before the call returns).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque

import libvirt

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import CHANNEL
from libneuron.guest.hypervisor.errors import HypervisorError, opening, refused
from libneuron.guest.hypervisor.events import ensure_loop
from libneuron.guest.transport import Link, Transport

_PIECE = 64 * 1024  # one libvirt message; a short one, because several queue up on the way
_QUEUE = 128 * 1024  # bytes taken from the writer ahead of libvirt
_HELD = 1 << 20  # bytes handed to the loop and not yet taken; then reading pauses
_TAKEN = (  # libvirt src/conf/virchrdev.c: by a stream of this daemon, and by another program's lock file
    "Active channel stream exists",
    "is locked by lock file",
)
_WATCHED = libvirt.VIR_STREAM_EVENT_HANGUP | libvirt.VIR_STREAM_EVENT_ERROR


class StreamTransport:
    """An open channel stream. Made by :func:`open_stream` on a worker; used on the loop's thread."""

    def __init__(
        self,
        connection: libvirt.virConnect,
        stream: libvirt.virStream,
        link: Link,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._link = link
        self._loop = loop
        self._state = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._queued = 0
        self._held = 0
        self._paused = False
        self._short = False
        self._closed = False
        self._freed = False
        # libvirt keeps what it is given here for ever: nothing that holds this object (see _free).
        calls = self._calls = [self._event]
        stream.eventAddCallback(
            _WATCHED | libvirt.VIR_STREAM_EVENT_READABLE,
            lambda _stream, events, _opaque: [call(events) for call in calls],
            None,
        )
        self._writer = threading.Thread(target=self._send, name="neuron-libvirt-stream", daemon=True)
        self._writer.start()

    # -- on libvirt's event thread ----------------------------------------------------------------

    def _event(self, events: int) -> None:
        if events & libvirt.VIR_STREAM_EVENT_READABLE:
            self._read()
        elif events & _WATCHED:
            self._end("the stream was hung up")

    def _read(self) -> None:
        try:
            with self._state:  # which is not freed meanwhile
                if self._freed:
                    return
                data = self._stream.recv(_PIECE)
        except libvirt.libvirtError as error:
            self._end(str(error))
            return
        if data == -2:  # would block
            return
        if not data:
            self._end("end of stream")
            return
        with self._state:
            if self._closed:
                return
            self._held += len(data)
            if self._held > _HELD:
                self._paused = True
                self._watch(readable=False)
        self._post(self._deliver, data)

    def _watch(self, *, readable: bool) -> None:
        extra = libvirt.VIR_STREAM_EVENT_READABLE if readable else 0
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.eventUpdateCallback(_WATCHED | extra)

    def _end(self, why: str) -> None:
        with self._state:
            if self._closed:
                return
            # A stream in error reports it again and again: one report is enough.
            with contextlib.suppress(libvirt.libvirtError):
                self._stream.eventRemoveCallback()
        self._post(self._lost, why)

    def _post(self, call: object, *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to tell
            self._loop.call_soon_threadsafe(call, *arguments)  # type: ignore[arg-type]  # two signatures

    # -- on the writer's thread -------------------------------------------------------------------

    def _send(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    break
                data = self._waiting.popleft()
            if not self._send_all(data):
                break
            with self._state:
                self._queued -= len(data)
                if self._short and self._queued <= _QUEUE // 2:
                    self._short = False
                    self._post(self._room)
        with self._state:
            self._state.wait_for(lambda: self._closed)
        # Here, not in close(): with a daemon that hangs these calls block.
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.eventRemoveCallback()
        with contextlib.suppress(libvirt.libvirtError):
            self._stream.abort()
        self._calls.clear()
        with self._state:
            self._freed = True
            _free(self._stream)
        with contextlib.suppress(libvirt.libvirtError):
            self._connection.close()

    def _send_all(self, data: bytes) -> bool:
        view = memoryview(data)
        while view:
            try:
                sent = self._stream.send(view[:_PIECE].tobytes())
            except libvirt.libvirtError as error:
                self._end(str(error))
                return False
            if sent == -2:  # only a driver without a daemon between says so
                with self._state:
                    if self._state.wait_for(lambda: self._closed, 0.005):
                        return False
                continue
            view = view[sent:]
        return True

    # -- on the loop's thread ---------------------------------------------------------------------

    def _deliver(self, data: bytes) -> None:
        if self._closed:
            return
        self._link.received(data)
        with self._state:
            self._held -= len(data)
            if self._paused and self._held <= _HELD // 2 and not self._closed:
                self._paused = False
                self._watch(readable=True)

    def _lost(self, why: str) -> None:
        if not self._closed:
            self.close()
            self._link.lost(GuestError("guest.channel-closed", details=why))

    def _room(self) -> None:
        if not self._closed:
            self._link.writable()

    def write(self, data: bytes | memoryview) -> int:
        """See :meth:`libneuron.guest.transport.Transport.write`."""
        with self._state:
            if self._closed:
                return len(data)
            taken = data[: max(0, _QUEUE - self._queued)]
            if taken:
                self._waiting.append(bytes(taken))
                self._queued += len(taken)
                self._state.notify()
            self._short = self._short or len(taken) < len(data)
            return len(taken)

    def close(self) -> None:
        """See :meth:`libneuron.guest.transport.Transport.close`."""
        with self._state:
            self._closed = True
            self._waiting.clear()
            self._state.notify_all()


def _free(stream: libvirt.virStream) -> None:
    """Free a stream here and now; afterwards it must not be used.

    Its own time would never come: libvirt's remote driver does not free what an event callback was given
    (remoteStreamCallbackFree before its fix; seen with 9.0), libvirt-python puts the stream in there, and the
    stream holds its connection: two descriptors for each stream that was ever opened.
    """
    del stream.cb  # removed already; the finalizer would do it again
    stream.__del__()
    stream._conn = None


def _open(uri: str, uuid: str, vm: str, *, force: bool) -> tuple[libvirt.virConnect, libvirt.virStream]:
    ensure_loop()
    try:
        connection = libvirt.open(uri)
    except libvirt.libvirtError as error:
        raise opening(error, uri) from error
    try:
        with contextlib.suppress(libvirt.libvirtError):
            connection.setKeepAlive(5, 3)
        domain = connection.lookupByUUIDString(uuid)
        stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
        domain.openChannel(CHANNEL, stream, libvirt.VIR_DOMAIN_CHANNEL_FORCE if force else 0)
    except libvirt.libvirtError as error:
        connection.close()
        if any(words in str(error) for words in _TAKEN):
            raise HypervisorError("guest.channel-in-use", vm=vm, details=str(error)) from error
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
            raise HypervisorError("guest.vm-off", vm=vm, details=str(error)) from error
        if error.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR:
            raise HypervisorError("guest.no-channel", vm=vm, details=str(error)) from error
        raise refused(error, vm=vm, uri=uri) from error
    return connection, stream


async def open_stream(
    uri: str, uuid: str, link: Link, *, vm: str, patience: float = 15.0, force: bool = False
) -> Transport:
    """Open the channel of the domain ``uuid``; ``force`` takes it from another client of libvirt.

    Raises: HypervisorError channel-in-use, no-channel, vm-off, no-libvirt, libvirt-forbidden, libvirt-hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[libvirt.virConnect, libvirt.virStream]] = loop.create_future()

    def finish(result: tuple[libvirt.virConnect, libvirt.virStream] | BaseException) -> None:
        if future.cancelled():
            if not isinstance(result, BaseException):
                StreamTransport(*result, link, loop).close()  # its thread closes it without blocking us
        elif isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)

    def work() -> None:
        result: tuple[libvirt.virConnect, libvirt.virStream] | BaseException
        try:
            result = _open(uri, uuid, vm, force=force)
        except BaseException as error:  # noqa: BLE001 — handed to the loop whole
            result = error
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, result)

    threading.Thread(target=work, name="neuron-libvirt-open", daemon=True).start()
    try:
        async with asyncio.timeout(patience):
            made = await future
    except TimeoutError as error:
        raise HypervisorError("guest.libvirt-hangs", uri=uri) from error
    return StreamTransport(*made, link, loop)
