"""Requests and answers of the API, one struct each, by subject. The OpenAPI document is made from them.

Times are texts in ISO 8601, UTC (`2025-06-01T11:30:00.250Z`), empty for never; a name that ends with `_ms` is a whole
number of milliseconds, `time_ms` and `t` since 1970 (Unix time), ages and durations computed here, never by the page.
Whoever asks ignores fields that it does not know: new ones may come.
"""
