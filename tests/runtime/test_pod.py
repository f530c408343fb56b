"""What a pod reads from its environment. Whole pods are in tests/end_to_end/test_pods.py and tests/cluster."""

import subprocess
import sys
from pathlib import Path

import pytest

from trainer.errors import BerthError, DeadlineExceeded, InputError, Interrupted, Stalled
from trainer.runtime.pod import FINAL, Pod


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the training operator and the chart set in a Worker's pod."""
    token = tmp_path / "token"
    token.write_text("secret\n")
    return {
        "RANK": "2",
        "WORLD_SIZE": "3",
        "MASTER_ADDR": "run-master-0",
        "MASTER_PORT": "23456",
        "PET_NODE_RANK": "2",
        "POD_IP": "10.0.0.7",
        "POD_CPUS": "4",
        "RAY_AUTH_TOKEN_PATH": str(token),
    }


def test_the_process_that_waits_in_a_pod_loads_no_ray() -> None:
    program = "import sys, trainer.runtime.pod; print('ray' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_a_pod_is_what_its_environment_says(environment: dict[str, str]) -> None:
    assert Pod.of(environment) == Pod(2, "run-master-0", 23456, "10.0.0.7", 4, b"secret")


@pytest.mark.parametrize("name", ["RANK", "MASTER_ADDR", "MASTER_PORT", "RAY_AUTH_TOKEN_PATH"])
def test_what_is_missing_is_named(environment: dict[str, str], name: str) -> None:
    del environment[name]
    with pytest.raises(InputError, match=f"^{name}: not set; let charts/berth start this pod"):
        Pod.of(environment)


def test_a_rank_that_is_no_number_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"^RANK: 'first' is no number"):
        Pod.of(environment | {"RANK": "first"})


def test_a_token_that_is_not_mounted_or_empty_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read; mount the Secret"):
        Pod.of(environment | {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "missing")})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match="is empty; put a token into the Secret"):
        Pod.of(environment | {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "empty")})


def test_the_operator_starts_a_pod_again_only_where_that_may_help() -> None:
    final = {error.exit_code for error in (BerthError, InputError, DeadlineExceeded)} | {0}
    assert final == FINAL
    assert all(code < 128 for code in final)
    assert all(error.exit_code >= 128 for error in (Interrupted, Stalled))
