"""Runs on a cluster, handled: render, submit, scale, stop, resume."""

import sys
from typing import TYPE_CHECKING

import click

from trainer.cli import arguments
from trainer.cli.stderr import aside
from trainer.errors import BerthError, Interrupted

if TYPE_CHECKING:
    from trainer.launch.cluster import Cluster

_values = click.option(
    "--values", "files", multiple=True, type=click.Path(), metavar="FILE", help="Of charts/berth's values; repeatable."
)
_workers = click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Worker pods. Default: as the values say."
)
_detach = click.option("--detach", is_flag=True, help="Do not follow it.")


@click.command()
@arguments.run_source
@arguments.overrides
@_values
@_workers
@click.option("-n", "--namespace", default="default", show_default=True, envvar="BERTH_NAMESPACE", show_envvar=True)
def render(run: str, overrides: tuple[str, ...], files: tuple[str, ...], workers: int | None, namespace: str) -> None:
    """Print the Kubernetes objects of RUN as YAML, for GitOps; no cluster is asked.

    \b
      berth render quickstart --values cluster.yaml --workers 2 > my-run.yaml
    """
    from trainer.launch.release import planned

    click.echo(planned(run, overrides, files, workers, namespace).manifest(), nl=False)


@click.command()
@arguments.run_source
@arguments.overrides
@_values
@_workers
@click.option("--dry-run", is_flag=True, help="Print the objects; make none.")
@_detach
@arguments.cluster_options
def submit(
    run: str,
    overrides: tuple[str, ...],
    files: tuple[str, ...],
    workers: int | None,
    dry_run: bool,
    detach: bool,
    context: str | None,
    namespace: str | None,
) -> None:
    """Start RUN on a cluster and follow its log to the end.

    It becomes a Helm release where helm is on PATH. The same command again follows the run that is there; with other
    settings it is refused. Exit code 0: succeeded; 3: failed; 130: Ctrl-C, and the run goes on.

    \b
      berth submit quickstart name=my-run --values cluster.yaml --workers 2
    """
    import yaml

    from trainer.launch.cluster import Cluster
    from trainer.launch.release import planned
    from trainer.launch.submission import submit as make

    cluster = Cluster.connect(context, namespace)
    release = planned(run, overrides, files, workers, cluster.namespace)
    if dry_run:
        click.echo(yaml.safe_dump_all(release.objects(), sort_keys=False), nl=False)
        return
    made = make(cluster, release)
    aside(f"run {release.name} {'is submitted to' if made else 'is there already, in'} namespace {cluster.namespace}")
    if not detach:
        _follow(cluster, release.name)


@click.command()
@click.argument("name")
@click.argument("pods", metavar="N", type=click.IntRange(1))
@click.option("--local", is_flag=True, help="One that `berth run --pods` runs on this machine.")
@arguments.cluster_options
def scale(name: str, pods: int, local: bool, context: str | None, namespace: str | None) -> None:
    """Give the run NAME N Worker pods while it trains; no step is lost."""
    from trainer.launch.cluster import Cluster
    from trainer.launch.pods.scale import scale as resize_here
    from trainer.launch.scaling import scale as resize

    workers = resize_here(name, pods) if local else resize(Cluster.connect(context, namespace), name, pods)
    click.echo(f"run {name}: {pods} Worker pods, {workers} workers; it saves and goes on with them")


@click.command()
@click.argument("name")
@click.option("--delete", is_flag=True, help="Delete the run and all that belongs to it.")
@click.option("--yes", is_flag=True, help="With --delete: do not ask.")
@arguments.cluster_options
def stop(name: str, delete: bool, yes: bool, context: str | None, namespace: str | None) -> None:
    """Save the run NAME and take its pods away; `berth resume` goes on with it."""
    from trainer.launch import stopping
    from trainer.launch.cluster import Cluster

    cluster = Cluster.connect(context, namespace)
    if not delete:
        stopping.stop(cluster, name, click.echo)
        click.echo(f"run {name} is suspended; `berth resume {name}` goes on with it")
        return
    fate = stopping.fate_of_volume(cluster, name)
    if not yes:
        click.confirm(f"Delete the run {name}? {fate}.", abort=True)
    stopping.delete(cluster, name)
    click.echo(f"run {name} is deleted; {fate}")


@click.command()
@click.argument("name")
@_detach
@arguments.cluster_options
def resume(name: str, detach: bool, context: str | None, namespace: str | None) -> None:
    """Let the run NAME go on where it was stopped, and follow its log to the end."""
    from trainer.launch import stopping
    from trainer.launch.cluster import Cluster

    cluster = Cluster.connect(context, namespace)
    stopping.resume(cluster, name)
    aside(f"run {name} goes on")
    if not detach:
        _follow(cluster, name)


def _follow(cluster: "Cluster", name: str) -> None:
    """Print the Master's log to the end; raises BerthError if the run has failed."""
    from trainer.launch import jobs
    from trainer.launch.following import follow

    try:
        for line in follow(cluster, name, aside, "master-0"):
            click.echo(line.text)
    except KeyboardInterrupt:
        aside(f"no longer followed; the run goes on, see `berth logs -f {name} master-0`")
        sys.exit(Interrupted.exit_code)
    if jobs.one(cluster, name).phase == "Failed":
        raise BerthError(f"run {name} has failed; `berth events {name}` says why")
