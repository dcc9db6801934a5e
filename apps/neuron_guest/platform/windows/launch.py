"""Starting programs and opening files and addresses, never through a command shell."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows import app_paths, com, quoting, targets, win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, POINTER, WSTR

_CREATE_NEW_PROCESS_GROUP = 0x200
_ERROR_BAD_EXE_FORMAT = 193
_ERROR_ELEVATION_REQUIRED = 740
_ERROR_DIRECTORY = 267
_ERROR_NO_ASSOCIATION = 1155
_ERROR_CANCELLED = 1223
_SEE_MASK_NOASYNC, _SEE_MASK_FLAG_NO_UI, _SEE_MASK_NOCLOSEPROCESS = 0x100, 0x400, 0x40
_SW_SHOWNORMAL = 1


class StartupInfo(ctypes.Structure):
    """STARTUPINFOW."""

    _fields_ = [
        ("cb", DWORD),
        ("lpReserved", WSTR),
        ("lpDesktop", WSTR),
        ("lpTitle", WSTR),
        ("dwX", DWORD),
        ("dwY", DWORD),
        ("dwXSize", DWORD),
        ("dwYSize", DWORD),
        ("dwXCountChars", DWORD),
        ("dwYCountChars", DWORD),
        ("dwFillAttribute", DWORD),
        ("dwFlags", DWORD),
        ("wShowWindow", ctypes.c_uint16),
        ("cbReserved2", ctypes.c_uint16),
        ("lpReserved2", POINTER),
        ("hStdInput", HANDLE),
        ("hStdOutput", HANDLE),
        ("hStdError", HANDLE),
    ]


class ProcessInformation(ctypes.Structure):
    """PROCESS_INFORMATION."""

    _fields_ = [
        ("hProcess", HANDLE),
        ("hThread", HANDLE),
        ("dwProcessId", DWORD),
        ("dwThreadId", DWORD),
    ]


class _ExecuteInfo(ctypes.Structure):
    _fields_ = [
        ("cbSize", DWORD),
        ("fMask", DWORD),
        ("hwnd", HANDLE),
        ("lpVerb", WSTR),
        ("lpFile", WSTR),
        ("lpParameters", WSTR),
        ("lpDirectory", WSTR),
        ("nShow", ctypes.c_int),
        ("hInstApp", HANDLE),
        ("lpIDList", POINTER),
        ("lpClass", WSTR),
        ("hkeyClass", HANDLE),
        ("dwHotKey", DWORD),
        ("hIcon", HANDLE),
        ("hProcess", HANDLE),
    ]


create_process = win32.function(
    "kernel32", "CreateProcessW", BOOL, WSTR, WSTR, POINTER, POINTER, BOOL, DWORD, POINTER, WSTR, POINTER,
    POINTER,
)  # fmt: skip
_execute = win32.function("shell32", "ShellExecuteExW", BOOL, POINTER)
_process_id = win32.function("kernel32", "GetProcessId", DWORD, HANDLE, fails="never")
_wait = win32.function("kernel32", "WaitForSingleObject", DWORD, HANDLE, DWORD, fails="never")
_exit_code = win32.function("kernel32", "GetExitCodeProcess", BOOL, HANDLE, POINTER)
_search_path = win32.function(
    "kernel32", "SearchPathW", DWORD, WSTR, WSTR, WSTR, DWORD, POINTER, POINTER, fails="never"
)
_system_directory = win32.function("kernel32", "GetSystemDirectoryW", DWORD, POINTER, DWORD)
_windows_directory = win32.function("kernel32", "GetWindowsDirectoryW", DWORD, POINTER, DWORD)


def launch(path: str, arguments: Sequence[str]) -> int:
    """Start a program and return its process id (0 if Windows' shell handed it to a running one).

    ``path`` is an absolute local path, or a name from App Paths or Windows' own folders ("notepad.exe").
    Raises: BackendError not-found, refused, bad-argument, failed.
    """
    program = _find(targets.check_program(path))
    line = quoting.command_line(program, arguments)
    if program.lower().endswith(".lnk"):
        if arguments:
            raise BackendError("refused", "a shortcut is launched without further arguments")
        return _shell_open(program, verb=None)
    try:
        return _create(program, line)
    except win32.Win32Error as error:
        if error.code == _ERROR_ELEVATION_REQUIRED:
            # Only Windows' shell may ask the person (UAC); its arguments are our own quoted words.
            return _shell_open(program, verb=None, parameters=line[len(program) + 3 :])
        raise _failure(program, error) from error


def open_target(text: str) -> None:
    """Open a file or http(s) address with the person's default application.

    Raises: BackendError refused, not-found, failed.
    """
    target = targets.check_target(text)
    _shell_open(target.value, verb="open" if target.kind is targets.Kind.URL else None)


def _create(program: str, line: str) -> int:
    startup = StartupInfo(cb=ctypes.sizeof(StartupInfo))
    process = ProcessInformation()
    # CreateProcessW may write into the command line: it gets a buffer of its own.
    create_process(
        program,
        ctypes.cast(ctypes.create_unicode_buffer(line), WSTR),
        None,
        None,
        win32.FALSE,
        _CREATE_NEW_PROCESS_GROUP,
        None,
        program.rpartition("\\")[0] + "\\",
        ctypes.byref(startup),
        ctypes.byref(process),
    )
    win32.Handle(process.hThread).close()
    win32.Handle(process.hProcess).close()
    return int(process.dwProcessId)


def _shell_open(file: str, *, verb: str | None, parameters: str | None = None) -> int:
    info = _ExecuteInfo(
        cbSize=ctypes.sizeof(_ExecuteInfo),
        fMask=_SEE_MASK_NOASYNC | _SEE_MASK_FLAG_NO_UI | _SEE_MASK_NOCLOSEPROCESS,
        lpVerb=verb,
        lpFile=file,
        lpParameters=parameters,
        nShow=_SW_SHOWNORMAL,
    )
    with com.apartment():
        try:
            _execute(ctypes.byref(info))
        except win32.Win32Error as error:
            raise _failure(file, error) from error
    with win32.Handle(info.hProcess) as process:
        return int(_process_id(process.value)) if process.value else 0


def run_elevated(program: str, parameters: str) -> int:
    """Run a program after Windows asked the person for permission (UAC); its exit status.

    Raises: BackendError refused if the person said no, failed.
    """
    info = _ExecuteInfo(
        cbSize=ctypes.sizeof(_ExecuteInfo),
        fMask=_SEE_MASK_NOASYNC | _SEE_MASK_NOCLOSEPROCESS,
        lpVerb="runas",
        lpFile=program,
        lpParameters=parameters,
        nShow=_SW_SHOWNORMAL,
    )
    with com.apartment():
        try:
            _execute(ctypes.byref(info))
        except win32.Win32Error as error:
            if error.code == _ERROR_CANCELLED:
                raise BackendError("refused", "the person did not permit it") from error
            raise _failure(program, error) from error
    with win32.Handle(info.hProcess) as process:
        status = DWORD()
        _wait(process.value, win32.INFINITE)
        _exit_code(process.value, ctypes.byref(status))
        return status.value


def _find(program: str) -> str:
    """The absolute path of a program given by path or by name. The current folder is never searched."""
    if "\\" in program:
        return program
    known = app_paths.lookup(program)
    if known is not None:
        return targets.check_program(known)
    for folder in (_system_directory, _windows_directory):
        name = ctypes.create_unicode_buffer(260)
        folder(name, 260)
        found = ctypes.create_unicode_buffer(32768)
        if _search_path(name.value, program, ".exe", len(found), found, None):
            return found.value
    raise BackendError("not-found", f"there is no program called {program}")


def _failure(name: str, error: win32.Win32Error) -> BackendError:
    if error.code in (win32.ERROR_FILE_NOT_FOUND, win32.ERROR_PATH_NOT_FOUND, _ERROR_DIRECTORY):
        return BackendError("not-found", f"{name} does not exist")
    if error.code == _ERROR_NO_ASSOCIATION:
        return BackendError("not-found", f"this Windows has no program for {name}")
    if error.code == _ERROR_BAD_EXE_FORMAT:
        return BackendError("refused", f"{name} is no program for this Windows")
    return BackendError("failed", f"{name} could not be started: {error}")
