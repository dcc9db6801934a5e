"""What changes in a file on the way: functions from bytes to bytes, one module per app."""
