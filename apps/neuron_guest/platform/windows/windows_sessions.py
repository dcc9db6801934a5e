"""Helpers on a real Windows: started as the person, met on a pipe of that person's."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence

from neuron_guest.platform.windows import security, sessions, win32, wts
from neuron_guest.platform.windows.helper_link import Caller
from neuron_guest.platform.windows.pipe import PipeServer
from neuron_guest.platform.windows.session_process import SessionProcess

_MEET_TIME = 30.0
"""Seconds a helper has to come to its pipe: Python on a cold disk takes some."""


class SessionHelper:
    """A started helper and the pipe it shall come to."""

    def __init__(self, sid: str, token: win32.Handle | None, command: Sequence[str]) -> None:
        self._pipe = PipeServer(sid)
        try:
            arguments = [*command[1:], "--socket", self._pipe.name]
            self._process = SessionProcess(token, command[0], arguments)
        except BaseException:
            self._pipe.stream.close()
            raise
        self._ending = threading.Lock()
        self._ended = False

    def link(self, event: Callable[[str, object], None]) -> Caller:
        """See :class:`neuron_guest.platform.windows.supervisor.Helper`."""
        late = threading.Timer(_MEET_TIME, self._pipe.stream.close)
        late.daemon = True
        late.start()
        try:
            came = self._pipe.wait()
        finally:
            late.cancel()
        if came != self._process.id:
            # Another of the person's processes was faster. It learns nothing and may ask for nothing here,
            # but its answers would pass for the desktop's.
            self._pipe.stream.close()
            raise win32.Win32Error("GetNamedPipeClientProcessId", win32.ERROR_ACCESS_DENIED)
        return Caller(self._pipe.stream, event)

    def end(self) -> None:
        """See :class:`neuron_guest.platform.windows.supervisor.Helper`."""
        with self._ending:
            if self._ended:
                return
            self._ended = True
            self._pipe.stream.close()
            if not self._process.wait(5.0):
                self._process.end()
            self._process.close()


class WindowsSessions:
    """What the supervisor needs, from Windows."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    def sessions(self) -> tuple[Sequence[sessions.Session], int | None]:
        """See :class:`neuron_guest.platform.windows.supervisor.World`."""
        return wts.sessions(), wts.console()

    def start(self, session: int) -> SessionHelper:
        """See :class:`neuron_guest.platform.windows.supervisor.World`."""
        with wts.user_token(session) as token:
            return SessionHelper(security.user_sid(token), token, self._command)


class OwnSession:
    """The session of a service that was started by hand: always active, the helper runs as we do."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    def sessions(self) -> tuple[Sequence[sessions.Session], int | None]:
        """See :class:`neuron_guest.platform.windows.supervisor.World`."""
        number = max(1, wts.own_session())
        return [sessions.Session(number, sessions.Connection.ACTIVE, "self")], number

    def start(self, session: int) -> SessionHelper:
        """See :class:`neuron_guest.platform.windows.supervisor.World`."""
        del session  # there is only one
        with security.process_token(security.TOKEN_QUERY) as token:
            return SessionHelper(security.user_sid(token), None, self._command)


def helper_command() -> Sequence[str]:
    """How a helper is started, but for its pipe: the same interpreter, as isolated, the same package."""
    isolated = ("-I",) if sys.flags.isolated else ()
    return (sys.executable, *isolated, "-m", "neuron_guest.platform.windows.session_main")
