"""`metergate init`: a settings file to begin with, in which every key stands with its words and its default."""

from pathlib import Path

import click

from shared.config.template import SOURCES, template
from shared.errors import RefusedError


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("metergate.toml"))
@click.option("--source", type=click.Choice(SOURCES), default="simulated", show_default=True, help="What is measured.")
def init(*, file: Path, source: str) -> None:
    """Write a commented settings file, FILE or ./metergate.toml; one that exists stays as it is."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(template(source))
    except FileExistsError:
        raise RefusedError(f"{file} exists and stays as it is; name another file") from None
    except OSError as error:
        raise RefusedError(f"{file}: cannot be written ({error.strerror}); check path and permissions") from error
    click.echo(f"wrote {file}; edit it, then `metergate config check --config {file}`")
