"""The clipboard between the host and a VM: what may cross (policy), and what carries it (bridge)."""
