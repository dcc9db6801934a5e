// Runs inside KWin, which alone sees the windows of a Wayland session. Tells Guest Bridge the inner size, in
// pixels, of the windows it names; `neuron` (service, names) is written before this text. Tried with KWin 5.27;
// for KWin 6 by its scripting API (develop.kde.org/docs/plasma/kwin/api, src/window.h).

var open = {}; // by class, oldest first

function call(name, width, height, scale) {
    callDBus(neuron.service, "/org/neuronos/Windows", "org.neuronos.Windows1", "Changed", name, width, height, scale);
}

function tell(name) {
    var shown = open[name][0];
    if (!shown) {
        call(name, 0, 0, 100);
        return;
    }
    // 5.27 shows a script neither this geometry nor the scale: its sizes are the surface's, in the desktop's units.
    var inside = shown.clientGeometry || shown.bufferGeometry;
    var scale = shown.output && shown.output.devicePixelRatio ? shown.output.devicePixelRatio : 1;
    call(name, Math.round(inside.width * scale), Math.round(inside.height * scale), Math.round(scale * 100));
}

function added(window) {
    var name = String(window.resourceClass).toLowerCase();
    if (neuron.names.indexOf(name) < 0) {
        return;
    }
    open[name].push(window);
    var again = function () { tell(name); };
    window.frameGeometryChanged.connect(again);
    window.clientGeometryChanged.connect(again);
    if (window.outputChanged) {
        window.outputChanged.connect(again);
    }
    tell(name);
}

function removed(window) {
    neuron.names.forEach(function (name) {
        var at = open[name].indexOf(window);
        if (at >= 0) {
            open[name].splice(at, 1);
            tell(name);
        }
    });
}

neuron.names.forEach(function (name) { open[name] = []; });
(workspace.windowAdded || workspace.clientAdded).connect(added);
(workspace.windowRemoved || workspace.clientRemoved).connect(removed);
(workspace.windowList ? workspace.windowList() : workspace.clientList()).forEach(added);
