"""What several commands ask for in the same words."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., Any])


class _RunSource(click.ParamType[str]):
    """A YAML file or the name of a recipe."""

    name = "run"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's own signature
        from trainer.config.recipes import recipe_names

        recipes = [CompletionItem(name) for name in recipe_names() if name.startswith(incomplete)]
        return [*recipes, CompletionItem(incomplete, type="file")]


class Number(click.FloatRange):
    """A number, which .nan and infinity are not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is no number", param, ctx)
        return number


run_source = click.argument("run", type=_RunSource())
"""RUN of a command: a YAML file or the name of a recipe, which the shell completes."""

overrides = click.argument("overrides", nargs=-1)
"""OVERRIDES of a command: `pretrain.max_steps=100 scaling.num_workers=1`."""

output = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Fields of JSON stay as they are; new ones may come.",
)
"""`-o json` of a command that finds something."""


def cluster_options(command: Command) -> Command:
    """`--context` and `--namespace` of a command that talks to a cluster."""
    context = click.option(
        "--context", envvar="BERTH_CONTEXT", show_envvar=True, help="Of kubeconfig. Default: its current one."
    )
    namespace = click.option(
        "-n", "--namespace", envvar="BERTH_NAMESPACE", show_envvar=True, help="Default: that of the context."
    )
    return context(namespace(command))
