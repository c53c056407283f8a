"""Server-sent events: what is told to every open page, encoded once."""
