"""A desktop of its own for tests that need a real one, and a real assistive client that drives apps in it."""
