"""/metrics: what Prometheus reads. docs/metrics.md lists every name; a test holds it against this code."""
