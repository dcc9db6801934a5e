"""Every sentence of the guest domain: what happened, and what to do."""

from __future__ import annotations

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message

TEXTS = {
    # -- the way to the guest ---------------------------------------------------------------------
    "guest.no-libvirt": Message(
        QT_TRANSLATE_NOOP("guest", "The virtual machine manager (libvirt) cannot be reached at {uri}."),
        QT_TRANSLATE_NOOP("guest", "Start it with “systemctl start libvirtd”, or install libvirt."),
        Exit.CANNOT,
    ),
    "guest.no-libvirt-library": Message(
        QT_TRANSLATE_NOOP("guest", "Python's libvirt library is not installed."),
        QT_TRANSLATE_NOOP("guest", "Install the package “python3-libvirt” (on Arch “libvirt-python”)."),
        Exit.CANNOT,
    ),
    "guest.libvirt-forbidden": Message(
        QT_TRANSLATE_NOOP("guest", "You are not allowed to use the virtual machine manager at {uri}."),
        QT_TRANSLATE_NOOP("guest", "Add yourself to the group “libvirt”, then log out and in again."),
        Exit.CANNOT,
    ),
    "guest.libvirt-failed": Message(
        QT_TRANSLATE_NOOP("guest", "The virtual machine manager refused: {problem}."),
        QT_TRANSLATE_NOOP(
            "guest", "Try again; if it refuses again, shut the VM down, start it, and look at the details."
        ),
    ),
    "guest.no-vm": Message(
        QT_TRANSLATE_NOOP("guest", "There is no virtual machine “{vm}”."),
        QT_TRANSLATE_NOOP("guest", "“neuron-guest-bridge list” shows the names of all virtual machines."),
        Exit.USAGE,
    ),
    "guest.vm-off": Message(
        QT_TRANSLATE_NOOP("guest", "The virtual machine “{vm}” is not running."),
        QT_TRANSLATE_NOOP("guest", "Start it, then try again."),
    ),
    "guest.no-channel": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” has no channel for Guest Bridge."),
        QT_TRANSLATE_NOOP("guest", "“neuron-guest-bridge pair” adds it; a running VM may need a restart."),
    ),
    "guest.channel-consent": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” has no channel for Guest Bridge, and nobody was there to ask."),
        QT_TRANSLATE_NOOP("guest", "“neuron-guest-bridge pair {vm} --yes” adds it to the VM."),
    ),
    "guest.channel-forbidden": Message(
        QT_TRANSLATE_NOOP("guest", "You are not allowed to open the channel of “{vm}”."),
        QT_TRANSLATE_NOOP(
            "guest",
            "Leave out “--socket”, so that libvirt opens it; or ask who set up this computer.",
        ),
    ),
    "guest.channel-in-use": Message(
        QT_TRANSLATE_NOOP("guest", "Another program is using the channel of “{vm}”."),
        QT_TRANSLATE_NOOP("guest", "Close the other program, then try again."),
    ),
    "guest.channel-closed": Message(
        QT_TRANSLATE_NOOP("guest", "The channel to the virtual machine was closed."),
        QT_TRANSLATE_NOOP("guest", "If the VM is restarting, wait until it is up; then try again."),
    ),
    "guest.agent-silent": Message(
        QT_TRANSLATE_NOOP("guest", "NeuronGuest in “{vm}” does not answer."),
        QT_TRANSLATE_NOOP("guest", "Check that the VM has started and that NeuronGuest is installed in it."),
    ),
    "guest.host-failed": Message(
        QT_TRANSLATE_NOOP("guest", "This computer cannot connect to “{vm}”: {problem}."),
        QT_TRANSLATE_NOOP(
            "guest",
            "Make room in your home folder and see that you may write there; it tries again by itself.",
        ),
    ),
    # -- pairing ----------------------------------------------------------------------------------
    "guest.not-paired": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” is not paired with this computer."),
        QT_TRANSLATE_NOOP("guest", "Pair it with “neuron-guest-bridge pair {vm}”."),
    ),
    "guest.pairing-refused": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” and this computer do not accept each other's keys."),
        QT_TRANSLATE_NOOP("guest", "Pair again: “neuron-guest-bridge pair {vm}”."),
    ),
    "guest.pairing-busy": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” is being paired already, in another window or command."),
        QT_TRANSLATE_NOOP("guest", "Finish that or cancel it, then try again."),
    ),
    "guest.keys-unreadable": Message(
        QT_TRANSLATE_NOOP("guest", "The keys for “{vm}” cannot be read."),
        QT_TRANSLATE_NOOP("guest", "Pair again: “neuron-guest-bridge pair {vm}”."),
    ),
    # -- the check-up -----------------------------------------------------------------------------
    "guest.channel-waits": Message(
        QT_TRANSLATE_NOOP("guest", "The channel of “{vm}” is set up, but only starts with the machine."),
        QT_TRANSLATE_NOOP("guest", "Shut the machine down completely and start it again."),
    ),
    "guest.agent-older": Message(
        QT_TRANSLATE_NOOP("guest", "NeuronGuest in “{vm}” is {version}; {wanted} belongs to this program."),
        QT_TRANSLATE_NOOP("guest", "Pair again with the set-up disc: it brings the new version along."),
    ),
    "guest.clipboard-rival": Message(
        QT_TRANSLATE_NOOP(
            "guest", "Another program shares the clipboard of “{vm}”; Guest Bridge stands back."
        ),
        QT_TRANSLATE_NOOP("guest", "Leave it so, or let Guest Bridge share it instead."),
    ),
    "guest.clipboard-none": Message(
        QT_TRANSLATE_NOOP("guest", "This desktop does not let programs share the clipboard by themselves."),
        QT_TRANSLATE_NOOP("guest", "Use “Send now” and “Fetch now” under “Clipboard and display”."),
    ),
    "guest.windows-unseen": Message(
        QT_TRANSLATE_NOOP("guest", "This desktop does not show other programs how large a window is."),
        QT_TRANSLATE_NOOP("guest", "Choose the resolution by hand under “Clipboard and display”."),
    ),
    "guest.keys-kept": Message(
        QT_TRANSLATE_NOOP("guest", "The keys for “{vm}” could not be removed: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Remove the folder {folder}; until then the machine can still connect."),
    ),
    "guest.not-written": Message(
        QT_TRANSLATE_NOOP("guest", "“{path}” could not be written."),
        QT_TRANSLATE_NOOP("guest", "Check that there is room on the disk and that you may write there."),
    ),
    "guest.no-viewer": Message(
        QT_TRANSLATE_NOOP("guest", "The screen cannot be shown: “{program}” is not installed."),
        QT_TRANSLATE_NOOP("guest", "Install it, or choose another program in the settings."),
        Exit.CANNOT,
    ),
    "guest.file-elsewhere": Message(
        QT_TRANSLATE_NOOP("guest", "{file} is a file of this computer; the machine cannot open it."),
        QT_TRANSLATE_NOOP("guest", "Bring the file into the machine first, for example by a shared folder."),
        Exit.USAGE,
    ),
    # -- requests ---------------------------------------------------------------------------------
    "guest.timeout": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” did not answer “{verb}” within {seconds} s."),
        QT_TRANSLATE_NOOP("guest", "The VM may be busy: try again."),
    ),
    "guest.disconnected": Message(
        QT_TRANSLATE_NOOP("guest", "The connection to “{vm}” was interrupted during “{verb}”."),
        QT_TRANSLATE_NOOP("guest", "It may or may not have happened: look, then try again."),
    ),
    "guest.not-permitted": Message(
        QT_TRANSLATE_NOOP("guest", "“{verb}” is switched off for “{vm}”."),
        QT_TRANSLATE_NOOP("guest", "Allow it in this VM's permissions."),
    ),
    "guest.agent-too-old": Message(
        QT_TRANSLATE_NOOP("guest", "NeuronGuest in “{vm}” is too old (version {version})."),
        QT_TRANSLATE_NOOP("guest", "Install the NeuronGuest that came with this program."),
    ),
    "guest.agent-too-new": Message(
        QT_TRANSLATE_NOOP("guest", "NeuronGuest in “{vm}” is newer than this program (version {version})."),
        QT_TRANSLATE_NOOP("guest", "Update this program."),
    ),
    "guest.protocol": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” sent something that makes no sense; the session was ended."),
        QT_TRANSLATE_NOOP("guest", "Update NeuronGuest in the VM; the details say what was wrong."),
    ),
    "guest.bad-value": Message(
        QT_TRANSLATE_NOOP("guest", "The value is not possible: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Correct it and try again."),
        Exit.USAGE,
    ),
    "guest.too-large": Message(
        QT_TRANSLATE_NOOP("guest", "This is too large to send: {size} MiB, at most {limit} MiB."),
        QT_TRANSLATE_NOOP("guest", "Copy less, or use a file."),
    ),
    # -- files ------------------------------------------------------------------------------------
    "guest.file-name": Message(
        QT_TRANSLATE_NOOP("guest", "A file’s name does not suit both computers: {name}."),
        QT_TRANSLATE_NOOP("guest", "Give the file another name, then copy it again."),
    ),
    "guest.file-no-room": Message(
        QT_TRANSLATE_NOOP("guest", "There is not enough free space for the files: {name}."),
        QT_TRANSLATE_NOOP("guest", "Free some space, then try again."),
    ),
    "guest.file-too-many": Message(
        QT_TRANSLATE_NOOP("guest", "These are too many files at once: {name}."),
        QT_TRANSLATE_NOOP("guest", "Put them into one archive, or copy fewer at a time."),
    ),
    "guest.file-changed": Message(
        QT_TRANSLATE_NOOP("guest", "A file changed while it was copied: {name}."),
        QT_TRANSLATE_NOOP("guest", "Wait until it is no longer written to, then copy it again."),
    ),
    "guest.file-refused": Message(
        QT_TRANSLATE_NOOP("guest", "A file could not be copied: {name}."),
        QT_TRANSLATE_NOOP("guest", "Check that the file is there and that you may read it."),
    ),
    "guest.files-not-allowed": Message(
        QT_TRANSLATE_NOOP("guest", "You have not allowed “{vm}” to exchange files."),
        QT_TRANSLATE_NOOP("guest", "Allow it among the VM’s permissions, then try again."),
    ),
    "guest.file-none": Message(
        QT_TRANSLATE_NOOP("guest", "What was copied are no files of this computer."),
        QT_TRANSLATE_NOOP("guest", "Save them on this computer first, then copy them again."),
    ),
    # -- what the guest answered ------------------------------------------------------------------
    "guest.unknown-command": Message(
        QT_TRANSLATE_NOOP("guest", "NeuronGuest in “{vm}” does not know “{verb}”."),
        QT_TRANSLATE_NOOP("guest", "Update NeuronGuest in the VM."),
    ),
    "guest.unsupported": Message(
        QT_TRANSLATE_NOOP("guest", "“{verb}” does not work in “{vm}”: {problem}."),
        QT_TRANSLATE_NOOP("guest", "“neuron-guest selftest” in the VM shows what works there."),
    ),
    "guest.no-session": Message(
        QT_TRANSLATE_NOOP("guest", "Nobody is signed in to “{vm}”, or the screen is locked."),
        QT_TRANSLATE_NOOP("guest", "Sign in to the VM, then try again."),
    ),
    "guest.mode-refused": Message(
        QT_TRANSLATE_NOOP("guest", "The display of “{vm}” does not accept this resolution: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Choose one of the resolutions it offers."),
    ),
    "guest.not-found": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” did not find it: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Check the name, then try again."),
    ),
    "guest.refused": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” refused “{verb}”: {problem}."),
        QT_TRANSLATE_NOOP(
            "guest", "Try again; if it refuses again, update NeuronGuest: pair again with the set-up disc."
        ),
    ),
    "guest.busy": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” has too much to do to begin “{verb}” as well."),
        QT_TRANSLATE_NOOP("guest", "Wait until what it is doing is done, then try again."),
    ),
    "guest.full": Message(
        QT_TRANSLATE_NOOP("guest", "There is not enough free space in “{vm}”: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Free some space in the VM, then try again."),
    ),
    "guest.secret": Message(
        QT_TRANSLATE_NOOP("guest", "A password manager in “{vm}” marked this copy as secret."),
        QT_TRANSLATE_NOOP("guest", "Allow secrets for this VM, if you want to copy it."),
    ),
    "guest.failed": Message(
        QT_TRANSLATE_NOOP("guest", "“{verb}” failed in “{vm}”: {problem}."),
        QT_TRANSLATE_NOOP("guest", "The log of NeuronGuest in the VM says more."),
    ),
}
