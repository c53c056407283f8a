"""What the command line knows of the master pusher's receivers."""
