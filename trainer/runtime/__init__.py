"""From a `Run` to finished stages: prepare, start the workers, show what they do.

Ray reads its environment when it is imported, and the workers inherit it, so it is set here, before any module of this
package imports Ray. What the user or the pod has set stays.
"""

import os
import secrets

_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",  # without it, whoever reaches a Ray port runs code here
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_preload_python_modules": "trainer.runtime.preload",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # a dead worker is noticed after so long
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "10",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # the driver sees nodes leave; this saves a process
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the coming default, which Ray warns about
    # Each unpadded batch has its own shape: oneDNN's usual 1,024 compiled kernels fill a GiB, and few serve twice.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
}

for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
if "RAY_AUTH_TOKEN_PATH" not in os.environ:
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
