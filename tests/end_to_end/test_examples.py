"""The examples for clusters and clouds, as far as they go without one."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

EXAMPLES = Path("examples")


def stub(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def run_script(script: str, tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **environment}
    command = ["bash", str(EXAMPLES / "slurm" / script), *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_slurm_array_cuts_the_work_into_shards(tmp_path: Path) -> None:
    """Task 5 of an array 3-10 prepares the third of eight shards."""
    stub(tmp_path, "ictal", 'echo "$@"')
    done = run_script(
        "prepare.sbatch", tmp_path, "runs/x",
        SLURM_ARRAY_TASK_ID="5", SLURM_ARRAY_TASK_MIN="3", SLURM_ARRAY_TASK_COUNT="8", SLURM_CPUS_PER_TASK="4",
    )  # fmt: skip
    assert done.stdout.split() == ["prepare", "runs/x", "--shard", "3/8", "--machine.workers", "4"]


@pytest.mark.parametrize(("code", "lost"), [(0, 0), (1, 0), (2, 1)])
def test_a_kubernetes_job_cuts_the_work_into_shards(tmp_path: Path, code: int, lost: int) -> None:
    """Every pod of the Indexed Job prepares a share of its own; recordings set aside are no reason to begin again."""
    job = yaml.safe_load((EXAMPLES / "kubernetes" / "prepare.yaml").read_text())
    assert (job["apiVersion"], job["kind"], job["spec"]["completionMode"]) == ("batch/v1", "Job", "Indexed")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    stub(tmp_path, "ictal", f'echo "$@"; exit {code}')
    shards = []
    for index in range(job["spec"]["completions"]):
        variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB_COMPLETION_INDEX": str(index)}
        command = [*container["command"], *container["args"]]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
        assert bool(done.returncode) == bool(lost)
        command_line = done.stdout.split()
        shards.append(command_line[command_line.index("--shard") + 1])
    assert shards == [f"{number}/16" for number in range(1, 17)]


@pytest.mark.parametrize("version", ["1.29", "1.33", "1.37"])
def test_the_kubernetes_job_is_one_of_the_kubernetes_api(version: str) -> None:
    """By the API's own schema, with no field that it does not know; what is wrong in a field is found."""
    job = yaml.safe_load((EXAMPLES / "kubernetes" / "prepare.yaml").read_text())
    kubernetes_validate.validate(job, version, strict=True)
    for field, value in (("completions", "sixteen"), ("completionsMode", "Indexed")):
        with pytest.raises(kubernetes_validate.ValidationError, match=field if value == "Indexed" else value):
            kubernetes_validate.validate({**job, "spec": {**job["spec"], field: value}}, version, strict=True)


@pytest.mark.parametrize(
    ("code", "cut_off", "requeued"), [(0, False, False), (1, False, False), (1, True, True), (0, True, False)]
)
def test_a_slurm_job_is_put_back_only_when_it_was_cut_off(
    tmp_path: Path, code: int, cut_off: bool, requeued: bool
) -> None:
    """Saved on SIGTERM, it goes back into the queue; stopped by a guard, or at its end in time, it does not."""
    signalled = "kill -TERM $PPID; sleep 0.5; " if cut_off else ""
    stub(tmp_path, "srun", f'echo "$@"; {signalled}exit {code}')
    stub(tmp_path, "scancel", 'echo "CANCEL $@"')
    stub(tmp_path, "scontrol", 'if [ "$1" = show ]; then echo node7; else echo "REQUEUE $2"; fi')
    done = run_script(
        "train.sbatch",
        tmp_path,
        "runs/x",
        SLURM_JOB_ID="42",
        SLURM_JOB_NODELIST="node[7-8]",
        SLURM_JOB_NUM_NODES="2",
        SLURM_GPUS_ON_NODE="4",
    )
    assert done.returncode == code, done.stderr
    assert ("REQUEUE 42" in done.stdout) == requeued
    assert ("CANCEL --signal=TERM 42.0" in done.stdout) == cut_off
    assert "--nnodes 2 --nproc-per-node 4" in done.stdout
    assert "node7:29500 -m ictal train runs/x" in done.stdout


@pytest.mark.filterwarnings("ignore:The ictal function is executing locally")
def test_the_modal_app_runs_the_command_line(tmp_path: Path) -> None:
    """Through Modal's own client, locally: words in, exit code out, in the folder that is the volume there."""
    app = runpy.run_path(str(EXAMPLES / "modal" / "app.py"))
    run = app["ictal"].local
    assert run(["config"], str(tmp_path)) == 0
    assert run(["plan", "nowhere"], str(tmp_path)) == 2


def test_examples_are_python_that_compiles() -> None:
    """No file of the examples is broken."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(EXAMPLES)], check=True)
