"""Privileges, identities, and who may touch what, written in Windows' own language for that (SDDL)."""

from __future__ import annotations

import ctypes
from pathlib import PureWindowsPath

from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.win32 import BOOL, DWORD, HANDLE, LONG, POINTER, WSTR

TOKEN_QUERY, TOKEN_ADJUST_PRIVILEGES = 0x8, 0x20
_SE_PRIVILEGE_ENABLED = 2
_TOKEN_USER = 1
_ERROR_NOT_ALL_ASSIGNED = 1300
_SDDL_REVISION_1 = 1
_SE_FILE_OBJECT = 1
_DACL, _OWNER, _PROTECTED_DACL = 0x4, 0x1, 0x80000000

ADMINISTRATORS_ONLY = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
"""Folder of the keys: SYSTEM and administrators, nothing inherited."""
EVERYONE_READS = "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)"
"""Folder of the programs: users may read and execute; only administrators may change what SYSTEM runs."""


class SecurityAttributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES; ``keep`` holds the descriptor's memory."""

    _fields_ = [("nLength", DWORD), ("lpSecurityDescriptor", POINTER), ("bInheritHandle", BOOL)]


class _Luid(ctypes.Structure):
    _fields_ = [("LowPart", DWORD), ("HighPart", LONG)]


class _TokenPrivileges(ctypes.Structure):
    _fields_ = [("PrivilegeCount", DWORD), ("Luid", _Luid), ("Attributes", DWORD)]


_current_process = win32.function("kernel32", "GetCurrentProcess", HANDLE, fails="never")
_open_token = win32.function("advapi32", "OpenProcessToken", BOOL, HANDLE, DWORD, POINTER)
_lookup_privilege = win32.function("advapi32", "LookupPrivilegeValueW", BOOL, WSTR, WSTR, POINTER)
_adjust = win32.function(
    "advapi32", "AdjustTokenPrivileges", BOOL, HANDLE, BOOL, POINTER, DWORD, POINTER, POINTER
)
_token_information = win32.function(
    "advapi32", "GetTokenInformation", BOOL, HANDLE, ctypes.c_int, POINTER, DWORD, POINTER
)
_sid_to_text = win32.function("advapi32", "ConvertSidToStringSidW", BOOL, POINTER, POINTER)
_from_sddl = win32.function(
    "advapi32", "ConvertStringSecurityDescriptorToSecurityDescriptorW", BOOL, WSTR, DWORD, POINTER, POINTER
)
_to_sddl = win32.function(
    "advapi32", "ConvertSecurityDescriptorToStringSecurityDescriptorW", BOOL, POINTER, DWORD, DWORD, POINTER,
    POINTER,
)  # fmt: skip
_dacl_of = win32.function("advapi32", "GetSecurityDescriptorDacl", BOOL, POINTER, POINTER, POINTER, POINTER)
_owner_of = win32.function("advapi32", "GetSecurityDescriptorOwner", BOOL, POINTER, POINTER, POINTER)
_set_named = win32.function(
    "advapi32", "SetNamedSecurityInfoW", DWORD, WSTR, ctypes.c_int, DWORD, POINTER, POINTER, POINTER, POINTER,
    fails="status",
)  # fmt: skip
_get_named = win32.function(
    "advapi32", "GetNamedSecurityInfoW", DWORD, WSTR, ctypes.c_int, DWORD, POINTER, POINTER, POINTER, POINTER,
    POINTER, fails="status",
)  # fmt: skip
_create_directory = win32.function("kernel32", "CreateDirectoryW", BOOL, WSTR, POINTER)
_local_free = win32.function("kernel32", "LocalFree", HANDLE, HANDLE, fails="never")


def process_token(access: int) -> win32.Handle:
    """This process's token. Raises: Win32Error."""
    token = HANDLE()
    _open_token(_current_process(), access, ctypes.byref(token))
    return win32.Handle(token.value)


def enable_privilege(name: str) -> None:
    """Switch a privilege on that this process's token holds. Raises: Win32Error if it holds it not."""
    luid = _Luid()
    _lookup_privilege(None, name, ctypes.byref(luid))
    wanted = _TokenPrivileges(1, luid, _SE_PRIVILEGE_ENABLED)
    with process_token(TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES) as token:
        _adjust(token.value, win32.FALSE, ctypes.byref(wanted), 0, None, None)
        # The function succeeds even where it did nothing (Microsoft, AdjustTokenPrivileges, "Return value").
        if win32.last_error() == _ERROR_NOT_ALL_ASSIGNED:
            raise win32.Win32Error("AdjustTokenPrivileges", _ERROR_NOT_ALL_ASSIGNED)


def user_sid(token: win32.Handle) -> str:
    """The person a token stands for, as "S-1-5-21-…". Raises: Win32Error."""
    size = DWORD()
    try:
        _token_information(token.value, _TOKEN_USER, None, 0, ctypes.byref(size))
    except win32.Win32Error as error:
        if error.code != win32.ERROR_INSUFFICIENT_BUFFER:
            raise
    buffer = ctypes.create_string_buffer(size.value)
    _token_information(token.value, _TOKEN_USER, buffer, size, ctypes.byref(size))
    sid = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p)).contents
    text = ctypes.c_void_p()
    _sid_to_text(sid, ctypes.byref(text))
    return _take_text(text)


def _take_text(text: ctypes.c_void_p) -> str:
    value = ctypes.wstring_at(text.value or 0)
    _local_free(text)
    return value


class Descriptor:
    """A security descriptor made from SDDL. Raises: Win32Error for a malformed one."""

    def __init__(self, sddl: str) -> None:
        self._memory = ctypes.c_void_p()
        _from_sddl(sddl, _SDDL_REVISION_1, ctypes.byref(self._memory), None)

    def attributes(self) -> SecurityAttributes:
        """For a create call; the descriptor must live as long as that call."""
        return SecurityAttributes(ctypes.sizeof(SecurityAttributes), self._memory.value, win32.FALSE)

    @property
    def dacl(self) -> ctypes.c_void_p:
        """Its access list."""
        present, defaulted, place = BOOL(), BOOL(), ctypes.c_void_p()
        _dacl_of(self._memory, ctypes.byref(present), ctypes.byref(place), ctypes.byref(defaulted))
        return place

    @property
    def owner(self) -> ctypes.c_void_p:
        """Its owner; null if the SDDL names none."""
        place, defaulted = ctypes.c_void_p(), BOOL()
        _owner_of(self._memory, ctypes.byref(place), ctypes.byref(defaulted))
        return place

    def close(self) -> None:
        """Free it."""
        memory, self._memory = self._memory, ctypes.c_void_p()
        if memory.value:
            _local_free(memory)


def protect(path: PureWindowsPath, sddl: str) -> None:
    """Give a file, or a folder and what is in it, exactly these rights. Raises: Win32Error."""
    descriptor = Descriptor(sddl)
    try:
        what = _DACL | _PROTECTED_DACL | (_OWNER if descriptor.owner.value else 0)
        _set_named(str(path), _SE_FILE_OBJECT, what, descriptor.owner, None, descriptor.dacl, None)
    finally:
        descriptor.close()


def make_folder(path: PureWindowsPath, sddl: str) -> None:
    """Make a folder that has these rights from its first moment. Raises: Win32Error, also if it exists."""
    descriptor = Descriptor(sddl)
    try:
        _create_directory(str(path), ctypes.byref(descriptor.attributes()))
    finally:
        descriptor.close()


def owner(path: PureWindowsPath) -> str:
    """Who owns a file or folder, as "S-1-…". Raises: Win32Error."""
    descriptor, sid, text = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    _get_named(
        str(path), _SE_FILE_OBJECT, _OWNER, ctypes.byref(sid), None, None, None, ctypes.byref(descriptor)
    )
    try:
        _sid_to_text(sid, ctypes.byref(text))
        return _take_text(text)
    finally:
        _local_free(descriptor)


def rights(path: PureWindowsPath) -> str:
    """A file's or folder's access list as SDDL. Raises: Win32Error."""
    descriptor, text = ctypes.c_void_p(), ctypes.c_void_p()
    _get_named(str(path), _SE_FILE_OBJECT, _DACL, None, None, None, None, ctypes.byref(descriptor))
    try:
        _to_sddl(descriptor, _SDDL_REVISION_1, _DACL, ctypes.byref(text), None)
        return _take_text(text)
    finally:
        _local_free(descriptor)


def pipe_sddl(sid: str) -> str:
    """Rights on the pipe between service and helper: SYSTEM, and the one person; never over the network."""
    return f"D:P(D;;GA;;;NU)(A;;GA;;;SY)(A;;GRGW;;;{sid})"
