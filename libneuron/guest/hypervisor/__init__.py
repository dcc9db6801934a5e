"""Virtual machines through libvirt: who is there, what their channel is like, and the way to it.

opening.py     imports the rest, or says that Python's libvirt library is missing
events.py      libvirt's event loop, on a thread of its own for the whole process
worker.py      the thread that makes blocking calls; abandoned when one hangs
connection.py  one hypervisor (URI): domains, changes as they happen, power
domains.py     a domain's XML as a value        devices.py  devices as XML, never by pasting text
channel.py     adding the channel; the endpoint that finds the way to it anew at each connect
stream.py      the channel through libvirt's own connection
handover.py    files into the guest through qemu-ga     disc.py  putting a disc into a VM and taking it out
"""
