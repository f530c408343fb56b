"""Runs on a cluster, looked at: list, status, logs, events."""

import click

from trainer.cli import arguments
from trainer.cli.stderr import aside


@click.command("list")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@arguments.output
@arguments.cluster_options
def list_(everywhere: bool, output: str, context: str | None, namespace: str | None) -> None:
    """List the runs of a namespace, what they are at and what they wait for.

    \b
    JSON: a list of
      name, namespace, phase   Pending Running Restarting Suspended Succeeded Failed
      workers_running          Worker pods
      workers_wanted
      age_seconds
      waits_for                in words, or null
    """
    from trainer.cli import tables
    from trainer.launch import status
    from trainer.launch.cluster import Cluster

    runs = status.every(Cluster.connect(context, namespace), everywhere=everywhere)
    tables.show_runs(runs, everywhere=everywhere, as_json=output == "json")


@click.command("status")
@click.argument("name")
@click.option("-w", "--watch", is_flag=True, help="Show it anew every 5 seconds until the run has ended.")
@arguments.output
@arguments.cluster_options
def status_(name: str, watch: bool, output: str, context: str | None, namespace: str | None) -> None:
    """Show on one screen how far the run NAME is and what it waits for.

    \b
    JSON: one object; what is not known is null
      run        as in `berth list`
      progress   stage, step, steps, eta_seconds, loss, tokens_per_second, workers, waits_for,
                 failures, last_failure, checkpoint, wandb
      restarts   of workers since the Master's pod was made, and of the pods' containers
      log        why there is no log to read
    """
    import time

    from trainer.cli import tables
    from trainer.launch import status
    from trainer.launch.cluster import Cluster

    cluster = Cluster.connect(context, namespace)
    while True:
        found = status.one(cluster, name)
        tables.show_status(found, as_json=output == "json", again=watch)
        if not watch or found.run.phase in ("Succeeded", "Failed"):
            return
        time.sleep(5)


@click.command()
@click.argument("name")
@click.argument("pod", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended, through restarts and outages.")
@click.option("--since", metavar="DURATION", help="Only of the last 90s, 10m, 2h or 1d.")
@click.option("--tail", type=click.IntRange(0), metavar="LINES", help="Only the last so many lines of each pod.")
@click.option("--timestamps", is_flag=True, help="Begin each line with its time.")
@arguments.cluster_options
def logs(
    name: str,
    pod: str | None,
    follow: bool,
    since: str | None,
    tail: int | None,
    timestamps: bool,
    context: str | None,
    namespace: str | None,
) -> None:
    """Print what the pods of the run NAME say, or one POD of it: master-0, worker-0, worker-1 ...

    The Master's log has the progress. Lines of several pods begin with the pod's name. Why a pod says nothing yet goes
    to standard error.

    \b
      berth logs my-run master-0 --follow
      berth logs my-run --since 10m | grep -v master-0
    """
    from trainer.launch import following
    from trainer.launch import logs as launch_logs
    from trainer.launch.cluster import Cluster

    cluster = Cluster.connect(context, namespace)
    begin = None if since is None else launch_logs.seconds_of(since)
    if follow:
        lines = following.follow(cluster, name, aside, pod, since=begin, tail=tail)
    else:
        lines = launch_logs.snapshot(cluster, name, pod, since=begin, tail=tail)
    for line in lines:
        prefix = "" if pod else f"[{line.pod}] "
        click.echo(f"{f'{line.time} ' if timestamps else ''}{prefix}{line.text}")


@click.command()
@click.argument("name")
@arguments.output
@arguments.cluster_options
def events(name: str, output: str, context: str | None, namespace: str | None) -> None:
    """Say in words why pods of the run NAME do not start, or why it has ended, and what to do.

    \b
    JSON: a list, what holds now first, of
      about    the pods: master-0, worker-0 ...; or job
      words    what keeps them
      remedy   what to do
      said     Kubernetes' own words
    """
    from trainer.cli import tables
    from trainer.launch.cluster import Cluster
    from trainer.launch.events import events as of_run

    tables.show_events(of_run(Cluster.connect(context, namespace), name), as_json=output == "json")
