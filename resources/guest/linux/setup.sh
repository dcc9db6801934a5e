#!/bin/sh
# Installs NeuronGuest from the set-up disc in a Linux guest: sudo sh setup.sh
set -eu

disc=$(cd "$(dirname "$0")" && pwd -P)
agent=/opt/neuron-guest
keys=/var/lib/neuron-guest

if [ "$(id -u)" -ne 0 ]; then
    echo "Run this as the administrator: sudo sh $disc/setup.sh" >&2
    exit 3
fi
if ! /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "NeuronGuest needs Python 3.11 or newer; install it and run this again." >&2
    exit 3
fi

# Unpacked and compiled: out of the archive Python would compile every module at every start. Nobody but this
# script writes there, so the compiled files need not be compared with their sources. Another Python, after
# an upgrade of the system, does not use them and compiles again.
umask 022
rm -rf "$agent.new" "$agent.old"
mkdir -p "$agent.new"
/usr/bin/python3 -I -S -m zipfile -e "$disc/linux/neuron-guest.pyz" "$agent.new"
/usr/bin/python3 -I -S -m compileall -q -x '/windows/' --invalidation-mode unchecked-hash "$agent.new"
[ ! -e "$agent" ] || mv "$agent" "$agent.old"
mv "$agent.new" "$agent"
rm -rf "$agent.old"
printf '#!/bin/sh\nexec /usr/bin/python3 -I -S %s "$@"\n' "$agent" > "$agent/neuron-guest"
chmod 0755 "$agent/neuron-guest"
ln -sf "$agent/neuron-guest" /usr/local/bin/neuron-guest
mkdir -p /etc/systemd/system /etc/xdg/autostart
cp "$disc/linux/neuron-guest.service" /etc/systemd/system/neuron-guest.service
cp "$disc/linux/neuron-guest-session.desktop" /etc/xdg/autostart/neuron-guest-session.desktop
chmod 0644 /etc/systemd/system/neuron-guest.service /etc/xdg/autostart/neuron-guest-session.desktop

# The hand-over goes where only the administrator can read it; the disc itself is taken out by the host.
umask 077
mkdir -p "$keys"
chmod 0700 "$keys"
cp "$disc/neuron-enrolment.json" "$keys/neuron-enrolment.json.new"
mv -f "$keys/neuron-enrolment.json.new" "$keys/neuron-enrolment.json"

systemctl daemon-reload
systemctl enable --quiet neuron-guest.service
systemctl restart neuron-guest.service
echo "NeuronGuest is installed and running."
