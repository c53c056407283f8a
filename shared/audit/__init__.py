"""The audit log: written by the owner of what is decided, read and verified by anybody."""
