"""From a rule's places to claims: one module per way that apps lay out their folders."""
