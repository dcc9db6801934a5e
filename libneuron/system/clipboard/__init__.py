"""The host's clipboard without Qt: X11, Wayland data-control, or by hand where a desktop allows neither."""
