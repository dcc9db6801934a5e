"""NeuronGuest: the agent inside the VM. Standard library only, Python 3.11 or newer."""

VERSION = "0.1.0"
