"""The lab: real virtual machines for tests, under emulation, on a machine with root and no usable KVM.

How to use it:

    from tests.system.lab.image import GuestFile, Layout, Recipe, build
    from tests.system.lab.machine import Machine

    RECIPE = Recipe("mine", packages=("snapper",), layout=Layout("btrfs", (("@", "/"), ("@home", "/home"))))
    with Machine(build(RECIPE)) as vm:      # writes go to an overlay that is thrown away
        vm.wait_ready()                      # 20–40 s: Debian bookworm with systemd, python3 and qemu-ga
        vm.shell.sh("uname -a")              # commands and files as root, through qemu-ga (shell.py)
        vm.shell.write("/etc/x", b"data")
        vm.port("org.neuronos.guest.0")      # the host's unix socket of a virtio-serial port
        vm.monitor("system_powerdown")       # QMP

- ``image.py``   recipe → cached disk, kernel, initrd. Cached below ``.cache/lab`` or ``$NEURON_CACHE/lab``,
  about one minute and 1 GB each when cold; share a recipe where you can. ``tree(recipe)`` alone gives
  ``root.tar`` and boot files for disks of your own (partitions, ESP, boot loaders).
- ``machine.py`` QEMU without libvirt. ``arguments=`` adds disks, devices, firmware; ``image=None`` boots only
  what they say.
- ``libvirtd.py``, ``domain.py`` a private libvirtd without systemd, and machines that it manages.
- ``shell.py``   the way into a guest that needs nothing of ours; ``until`` waits without sleeping blindly.

A machine without qemu-ga (own initramfs) speaks through ``vm.console``, a file, instead of ``vm.shell``.
"""
