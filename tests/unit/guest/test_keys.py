"""The host's keys: a set is there whole or not at all, wherever the making of one is cut off."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.keys import KeyStore


class Cut(BaseException):
    """The process ends here."""


def cut_after(calls: int, patch: pytest.MonkeyPatch, names: tuple[tuple[Any, str], ...]) -> Callable[[], int]:
    """Let ``calls`` changes of the disk happen, and none after; returns how many were asked for."""
    count = 0

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count > calls:
                raise Cut
            return function(*args, **more)

        return wrapped

    for owner, name in names:
        patch.setattr(owner, name, wrap(getattr(owner, name)))
    return lambda: count


_CHANGES = (
    (os, "fsync"), (os, "unlink"), (os, "rmdir"), (Path, "rename"), (Path, "replace"),
    (Path, "unlink"), (Path, "mkdir"),
)  # fmt: skip


@pytest.mark.parametrize("paired", [True, False])
def test_a_beginning_that_is_cut_off_leaves_no_half_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, paired: bool
) -> None:
    finished = False
    calls = 0
    while not finished:
        store = KeyStore(tmp_path / str(calls))
        if paired:
            store.begin_enrolment("vm", "VM")
            store.finish_enrolment("vm")
        with monkeypatch.context() as patch:
            cut_after(calls, patch, _CHANGES)
            try:
                store.begin_enrolment("vm", "VM")
                finished = True
            except Cut:
                pass
        for name in store.candidates("vm"):
            store.credentials("vm", name)  # raises where half of it is there
        assert ("paired" in store.candidates("vm")) is paired
        store.begin_enrolment("vm", "VM")  # and nothing stands in the way of the next one
        assert {"enrol", "next"} <= set(store.candidates("vm"))
        calls += 1
    assert calls > 10


def test_an_end_that_is_cut_off_keeps_the_keys_that_the_guest_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = False
    calls = 0
    while not finished:
        store = KeyStore(tmp_path / str(calls))
        store.begin_enrolment("vm", "VM")
        theirs = store.fresh_keys("vm")["peer"]
        with monkeypatch.context() as patch:
            cut_after(calls, patch, _CHANGES)
            try:
                store.finish_enrolment("vm")
                finished = True
            except Cut:
                pass
        best = store.candidates("vm")[0]
        assert (tmp_path / str(calls) / "keys" / "vm" / best / "host.pem").read_text() == theirs
        store.credentials("vm", best)
        store.finish_enrolment("vm")
        assert store.candidates("vm") == ("paired",)
        calls += 1
    assert calls > 4
