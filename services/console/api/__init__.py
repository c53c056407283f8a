"""What the page can do, and programs too: routes by subject under /api/v1, each with its models."""
