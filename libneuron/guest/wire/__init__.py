"""What host and guest share, on the standard library alone: records, TLS, frames, streams, typed messages.

No module here does I/O. :class:`~libneuron.guest.wire.channel.Channel` is the whole stack: feed it bytes from
the port, act on the events it returns, put the bytes it hands out on the port.
"""
