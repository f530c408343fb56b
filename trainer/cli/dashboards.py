"""A run's pages on Weights & Biases: dashboard."""

import importlib.util
import json

import click

from trainer.cli import arguments
from trainer.errors import ConfigError


@click.command()
@arguments.run_source
@arguments.overrides
@click.option("--dry-run", is_flag=True, help="Print what would be sent, as JSON; W&B is not asked.")
def dashboard(run: str, overrides: tuple[str, ...], dry_run: bool) -> None:
    """Lay out the curves and scores of RUN on Weights & Biases: a saved view, and a report.

    They show what the stages of the run have sent there; `berth sync` sends what was recorded offline. The same command
    again changes both to what it would make now: dashboard.json in the run's folder says where they are. Sections that
    you add to the view stay, the report is written anew.

    \b
      berth dashboard my-run.yaml
      berth dashboard quickstart tracking.project=harbour tracking.entity=my-team
    """
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise ConfigError("berth dashboard", "needs wandb-workspaces", "run `pip install 'berth[dashboard]'`")
    from trainer.config.load import load

    settings = load(run, overrides)
    if dry_run:
        from trainer.tracking.dashboard import spec

        click.echo(json.dumps(spec(settings), indent=1))
        return
    from trainer.engine.folder import RunFolder
    from trainer.tracking.published_dashboard import publish

    made = publish(settings, RunFolder.of(settings).uri)
    click.echo(f"view: {made.view}\nreport: {made.report}")
