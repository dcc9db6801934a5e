"""Linux guests: X11 and Wayland tools, /proc, systemd."""
