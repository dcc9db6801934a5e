"""Images that several test files share."""

from __future__ import annotations

from tests.system.lab.image import GuestFile, Recipe

# The screen has no hardware: the dummy driver lists real modes and switches between them, which Xvfb cannot.
_SCREEN = """\
Section "Device"
    Identifier "none"
    Driver "dummy"
    VideoRam 32768
EndSection
Section "Monitor"
    Identifier "any"
    HorizSync 5.0-1000.0
    VertRefresh 5.0-200.0
EndSection
Section "Screen"
    Identifier "screen"
    Device "none"
    Monitor "any"
    DefaultDepth 24
    SubSection "Display"
        Depth 24
        Modes "1280x1024" "1024x768" "800x600"
    EndSubSection
EndSection
Section "ServerFlags"
    Option "AutoAddDevices" "false"
    Option "AutoAddGPU" "false"
EndSection
"""

_SERVER = """\
[Unit]
Description=The lab's screen

[Service]
ExecStart=/usr/bin/Xorg :0 vt2 -sharevts -novtswitch -ac -noreset -nolisten tcp -config /etc/lab/screen.conf
Restart=always
"""

# What a display manager does at an automatic sign-in: a session of logind's on the seat's first terminal.
_SESSION = """\
[Unit]
Description=The person signed in at the lab's screen
Requires=lab-screen.service
After=lab-screen.service systemd-logind.service systemd-user-sessions.service

[Service]
User=person
PAMName=login
TTYPath=/dev/tty1
StandardInput=tty
StandardOutput=journal
Environment=DISPLAY=:0 XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user XDG_SEAT=seat0 XDG_VTNR=1
ExecStart=/usr/local/bin/lab-session
Restart=always

[Install]
WantedBy=multi-user.target
"""

_DESKTOP = """\
#!/bin/sh
# A small desktop: a window manager, and what starts by itself (Desktop Application Autostart).
until xset q >/dev/null 2>&1; do sleep 0.2; done
openbox --sm-disable &
manager=$!
for entry in /etc/xdg/autostart/neuron-*.desktop; do
    [ -e "$entry" ] && sh -c "$(sed -n 's/^Exec=//p' "$entry")" &
done
trap 'kill 0' TERM
wait $manager
"""

# The Linux guest of the bridge: a person at a screen, and the tools that the agent's helper needs there.
GUEST = Recipe(
    "guest",
    packages=(
        "libpam-systemd", "xserver-xorg-core", "xserver-xorg-video-dummy", "openbox", "x11-xserver-utils",
        "x11-utils", "xclip", "wmctrl", "xdotool", "imagemagick",
    ),
    files=(
        GuestFile("/etc/lab/screen.conf", _SCREEN),
        GuestFile("/etc/systemd/system/lab-screen.service", _SERVER),
        GuestFile("/etc/systemd/system/lab-desktop.service", _SESSION),
        GuestFile("/usr/local/bin/lab-session", _DESKTOP, 0o755),
    ),
    commands=("useradd --create-home --shell /bin/sh person", "systemctl enable --quiet lab-desktop.service"),
)  # fmt: skip
