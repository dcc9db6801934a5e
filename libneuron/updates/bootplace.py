"""Where a machine's kernels lie, and whether they can be switched together with the root subvolume."""

from __future__ import annotations

import os

from libneuron.system.files import Root
from libneuron.updates.bootfiles import boot_partitions, separate_kernel
from libneuron.updates.bootstage import find_loader, stands_alone
from libneuron.updates.errors import UpdateError
from libneuron.updates.kinds.boot_entries import BOOT_PLACES
from libneuron.updates.kinds.kernel import has_kernel, has_modules
from libneuron.updates.loader import BootPlace, Loader


def separate_loader(root: Root) -> Loader | None:
    """The boot loader that must be switched together with the root; None where the kernel lies in the root.

    Raises: UpdateError separate-boot, firmware-default, kernel-unknown.
    """
    unified = stands_alone(root)
    if unified is not None:
        raise UpdateError("updates.separate-boot", point=unified, loader="unified kernel images")
    point = separate_kernel(root)
    if point is None:
        if has_modules(root) and not has_kernel(root) and _readable(root):
            raise UpdateError("updates.kernel-unknown")
        return None
    found = find_loader(root, point)
    if found is None:
        kinds = [mount.kind for mount in boot_partitions(root) if mount.point == point]
        raise UpdateError("updates.separate-boot", point=point, loader=f"GRUB ({(*kinds, 'btrfs')[0]})")
    return found


def _readable(root: Root) -> bool:
    """Whether we may look: not everybody may read an ESP."""
    places = (root.path(place) for place in BOOT_PLACES if root.exists(place))
    return all(os.access(place, os.R_OK | os.X_OK) for place in places)


def boot_place(root: Root) -> BootPlace:
    """Where the kernels lie now, to be compared later."""
    try:
        return place_of(separate_loader(root))
    except UpdateError:
        return BootPlace(stands_alone(root) or separate_kernel(root) or "")


def place_of(loader: Loader | None) -> BootPlace:
    """Where the kernels lie that ``loader`` starts."""
    return BootPlace() if loader is None else BootPlace(loader.place, loader.conf)


def loader_for(root: Root, then: BootPlace | None) -> Loader | None:
    """What :func:`separate_loader` finds, if the kernels still lie where they lay with a restore point.

    Early in a start, or where nobody mounted it, a boot partition cannot be seen: the root would go back
    without its kernel. ``then`` None: a point of a release that did not record it.

    Raises: UpdateError boot-elsewhere, separate-boot, firmware-default, kernel-unknown.
    """
    found = separate_loader(root)
    if then is not None and place_of(found) != then:
        raise UpdateError("updates.boot-elsewhere", place=then.point or "/")
    return found
