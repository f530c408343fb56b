"""A run as a TorchX component: arguments -> AppDef, a plain value. Laptop and cluster differ by one word:

torchx run -s local_cwd trainer/launch/component.py:bert --run quickstart
torchx run -s berth -cfg values=my-values.yaml,workers=2 trainer/launch/component.py:bert --run quickstart
"""

import json
import sys

from torchx import specs

from trainer.config.load import load

RUN, OVERRIDES = "berth/run", "berth/overrides"
"""Metadata of the AppDef: what was asked for, the overrides as JSON."""


def bert(*overrides: str, run: str) -> specs.AppDef:
    """Execute RUN, as `berth run RUN OVERRIDES` does it here and `berth submit` on a cluster.

    Args:
        overrides: settings to change, such as pretrain.max_steps=100.
        run: a YAML file or the name of a recipe.

    Raises:
        ConfigError: a setting is refused.
    """
    name = load(run, overrides).name
    command = ["-m", "trainer", "run", run, *overrides]
    role = specs.Role(name, image="", entrypoint=sys.executable, args=command)
    return specs.AppDef(name, roles=[role], metadata={RUN: run, OVERRIDES: json.dumps(overrides)})
