"""The accessibility audit: nine checks on a live window, in every variant (``run``).

1 names, 2 roles and actions, 3 tooltips, 4 the keyboard's way, 5 Escape, Enter and what destroys,
6 mnemonics, 7 contrast, 8 size of targets, 9 clipping and translation. Each check has a window in
``tests/ui/test_audit.py`` that breaks it.
"""
