"""`docs/metrics.md` from the code."""

from services.console.metrics.collect import ALL

_HEAD = """\
# Metrics

The console tells Prometheus at `/metrics` what it hears on the bus. Names and units follow Prometheus' conventions:
seconds, watts, joules (Wh x 3600), bytes, ratios; `_total` is a counter. Live values that are too old are not told:
where the meter is silent, `metergate_meter_stale` is 1, and the series of its powers, power factor, voltages,
currents, frequency, energy flow and charge of the battery end. Its energy counters go on, and so does what is said of
the meter itself: `connected`, `stale`, `age_seconds`, `simulated`, its polls. This page comes from the code
(`make docs`), and a test compares the two.

```yaml
scrape_configs:
  - job_name: metergate
    scheme: http                  # https, with insecure_skip_verify or the page's certificate, beyond this machine
    authorization: {credentials_file: /etc/prometheus/metergate.token}   # an API token of the scope `read`
    static_configs: [{targets: ["127.0.0.1:8080"]}]
```

An API token is made on the page, under Account. On one machine `[console] open_metrics = true` lets every program there
read without one; do not set it where a proxy on that machine passes on requests of others.

[metrics-alerts.yaml](metrics-alerts.yaml) holds alert rules, [metrics-dashboard.json](metrics-dashboard.json) a
dashboard for Grafana; a test holds both against this list.

| metric | kind | labels | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    rows = (
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{label}`' for label in each.labels)} | {each.words} |"
        for each in ALL
    )
    return _HEAD + "\n".join(rows) + "\n"
