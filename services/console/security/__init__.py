"""Who may see and who may change: users, sessions, tokens, and the guard before every request."""
