"""Where the agent touches its machine: the only part that starts processes and opens ports.

Nothing is imported here: a guest loads the modules of its own system alone.
"""
