"""A role that misbehaves as its instance's behaviour file says; see `actor`."""
