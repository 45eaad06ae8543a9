"""Connecting to a Ray cluster, or starting one; and what is wrong where that does not work, in one line."""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError

from robustpose.cluster.messages import Settings
from robustpose.errors import UserError, quote

ANSWERS = 5.0  # seconds that a port has to answer


def connect(settings: Settings) -> tuple[str, bool]:
    """Connect to the cluster, or start one on this machine; return the address of its head, and whether it is new."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="1")
    address = _find_running() if settings.address in (None, "auto") else settings.address
    if address == "local" and settings.address == "auto":
        raise UserError("no Ray cluster runs on this machine: start one with ray start --head, or leave :auto out")
    if address != "local" and not answers(address):
        raise UserError(
            f"no Ray cluster answers at {address}: is that the address of its head, which ray start --head shows?"
        )
    _take_token(address)
    options: dict[str, Any] = {"address": address}
    if address == "local":
        options |= {"include_dashboard": False, "num_cpus": settings.n_local_cpus}
    environment: dict[str, Any] = {"env_vars": dict(settings.variables)}
    if settings.ship is not None:
        environment["working_dir"] = settings.ship
    job = ray.job_config.JobConfig(_py_driver_sys_path=list(settings.paths))
    ray.init(
        **options,
        runtime_env=environment,
        job_config=job,
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=False,
    )
    return str(ray.get_runtime_context().gcs_address), address == "local"


def _take_token(address: str) -> None:
    """Use this machine's token where there is one: Ray itself does not for a given address.

    A cluster of our own has one that nobody else has: Ray would leave it in the home folder, for all clusters to come.
    """
    if address == "local":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        return
    try:
        from ray._private.authentication import authentication_token_setup as setup
        from ray._raylet import GcsClient  # type: ignore[attr-defined]
        from ray.exceptions import AuthenticationError, RpcError
    except ImportError:  # a version of Ray without tokens
        return
    setup.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    with suppress(RpcError, RuntimeError, OSError):  # ray.init says those better
        try:
            setup.ensure_token_if_auth_enabled(create_token_if_missing=False)
            GcsClient(address=address)  # it says at once what takes ray.init 20 s
        except AuthenticationError as error:
            raise UserError(explain_token(address)) from error


def explain_token(address: str) -> str:
    """Return what to do where a cluster does not take this machine's token, or its lack."""
    mode = os.environ.get("RAY_AUTH_MODE", "not set")
    return (
        f"the Ray cluster at {address} does not take the token of this machine, or wants one and there is none "
        f"(RAY_AUTH_MODE is {mode}): copy ~/.ray/auth_token of its head to {Path.home() / '.ray' / 'auth_token'}, or "
        "set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH, with RAY_AUTH_MODE=token; if the cluster has none, unset them"
    )


def _find_running() -> str:
    """Return the address of a cluster that runs on this machine; ``local`` if there is none."""
    from ray._private.utils import read_ray_address

    with suppress(OSError):
        address = read_ray_address()
        if address and answers(address):
            return str(address)
    return "local"


def answers(address: str) -> bool:
    """Tell whether something answers at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWERS).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def explain_failure(error: BaseException, settings: Settings | None) -> str:
    """Return in one line what is wrong with a connection."""
    if isinstance(error, UserError):
        return str(error)
    words = " ".join(str(error).split())
    if settings is not None and settings.ship is not None and ("working_dir" in words or "package" in words.lower()):
        return f"--ship {settings.ship} cannot be sent to the cluster: {words[:300]}"
    if "ersion mismatch" in words:
        return f"this machine and the Ray cluster have different versions: {words[:300]}"
    if isinstance(error, GetTimeoutError | ConnectionError | TimeoutError) or "raylet" in words.lower():
        return (
            f"Ray cannot be reached from here ({quote(words)}): is this machine a node of the cluster "
            "(ray start --address=HOST:PORT), and does Ray run there?"
        )
    return f"Ray cannot be used: {type(error).__name__}: {words[:300]}"


def compare_versions(settings: Settings, host: str, found: Mapping[str, str]) -> str | None:
    """Return why a node may not work, None if it may: with other libraries, results might be others."""
    if not found:
        return f"node {host} has no robustpose: install robustpose {settings.versions['robustpose']} there"
    for name, ours in settings.versions.items():
        theirs = found[name]
        if theirs != ours and (name in settings.decisive or "unknown" not in (theirs, ours)):
            return (
                f"node {host} has {name} {theirs}, and this machine has {ours}, so results might differ: install the "
                "same version on all nodes"
            )
    return None


def explain_loss(words: str) -> str:
    """Return why a worker has ended, of what Ray says about it."""
    if "low on memory" in words:
        return "it was ended for lack of memory"
    if "runtime_env" in words or "runtime environment" in words:
        return f"its environment cannot be set up: {words[-300:]}"
    code = re.search(r"exits with an exit code (-?\d+)", words)
    if code is not None:
        return f"it ended with exit code {code[1]}"
    return "its process was killed (perhaps for lack of memory), crashed or ended itself"
