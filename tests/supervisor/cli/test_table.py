"""Tables for a terminal."""

import click

from supervisor.cli.table import aligned, by_state


def test_cells_stand_under_each_other_and_numbers_end_there() -> None:
    assert list(aligned([("NAME", "PID"), ("tls-slave", "7")], right=(1,))) == ["NAME       PID", "tls-slave    7"]


def test_a_state_is_coloured_where_it_stands_and_not_where_another_cell_says_the_same() -> None:
    table = by_state(("NAME", "STATE", "REASON"), [("ready", "ready", ""), ("b", "parked", "why")], {"ready": "green"})
    heading, ready, parked = table.split("\n")
    assert heading == click.style("NAME   STATE   REASON", bold=True)
    assert ready == f"ready  {click.style('ready', fg='green')}"
    assert parked == f"b      {click.style('parked', fg='red')}  why"
    assert click.unstyle(parked) == "b      parked  why"
