"""Changes to how the machine boots, planned as values: which files become what, which program follows.

Nothing here writes. :mod:`~libneuron.hardware.boot.plan` turns a wish into a ``BootPlan`` that a face shows
as a diff, that the privileged helper carries out, and that is undone from the same values.
"""
