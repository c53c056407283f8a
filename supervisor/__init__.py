"""Starts, watches and restarts the roles, holds their listening sockets; and the command line."""
