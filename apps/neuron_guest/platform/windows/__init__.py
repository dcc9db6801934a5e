"""NeuronGuest on Windows: Win32 through ctypes, standard library only.

Every module imports on any system (so that its pure parts are tested and typed everywhere); calling into
Windows elsewhere raises :class:`~neuron_guest.platform.windows.win32.Win32Error`.
"""
