"""A wish on the command line: what was asked for, and how it is told."""

from __future__ import annotations

import argparse
from typing import Any

from libneuron.hardware.boot import sharing
from libneuron.hardware.boot.cmdline import Wish


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """The options that name a wish."""
    verb.add_argument(
        "--add", action="append", default=[], metavar="OPTION", help="instead of what would help"
    )
    verb.add_argument("--remove", action="append", default=[], metavar="OPTION")
    verb.add_argument(
        "--bind", action="append", default=[], metavar="ADDRESS",
        help="keep this function of a graphics card for virtual machines",
    )  # fmt: skip
    verb.add_argument(
        "--looking-glass", nargs=2, default=[], metavar=("WAY", "FOR"),
        help="make memory for Looking Glass: “shm USER”, or “kvmfr MIB”",
    )  # fmt: skip


def asked(options: argparse.Namespace) -> Wish:
    """The wish, empty where none was named. Raises: BootError share-refused."""
    share = sharing.parse(" ".join(options.looking_glass))
    return Wish(tuple(options.add), tuple(options.remove), tuple(options.bind), share)


def as_json(wish: Wish) -> dict[str, Any]:
    """A wish as the verbs' JSON holds it."""
    return {
        "add": list(wish.set),
        "remove": list(wish.unset),
        "bind": list(wish.bind),
        "share": str(wish.share or ""),
    }


def brief(wish: Wish) -> str:
    """A wish in a few words: "+intel_iommu=on vfio-pci:0000:01:00.0"."""
    words = [*(f"+{word}" for word in wish.set), *(f"-{word}" for word in wish.unset)]
    words += [f"vfio-pci:{address}" for address in wish.bind]
    return " ".join([*words, f"looking-glass:{wish.share}"] if wish.share else words)
