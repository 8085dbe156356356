"""The public capability files may be absent on a developer's machine, and nowhere else without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from public_files import PublicFiles

CORPUS_RUN = Path(__file__).with_name("test_corpus_run.py")


@pytest.mark.parametrize(
    ("environment", "required"),
    [
        ({}, False),
        ({"CI": "false"}, False),
        ({"CI": "true"}, True),
        ({"NAFTIKO_CORPUS": "required"}, True),
        ({"CI": "true", "NAFTIKO_CORPUS": "absent"}, False),
    ],
)
def test_files_that_are_not_there_are_a_failure_where_they_are_required(tmp_path, environment, required):
    files = PublicFiles.of(environment, tmp_path / "none")
    assert (bool(files.missing), files.required) == (True, required)


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}, {"NAFTIKO_CORPUS": "required"}])
def test_files_that_are_there_are_used(tmp_path, environment):
    assert PublicFiles.of(environment, tmp_path) == PublicFiles(tmp_path, "", required=bool(environment))


def test_files_may_be_somewhere_else(tmp_path):
    assert PublicFiles.of({"NAFTIKO_CORPUS": str(tmp_path)}, tmp_path / "none") == PublicFiles(
        tmp_path, "", required=True
    )


def run_with(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", str(CORPUS_RUN)]
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=CORPUS_RUN.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_without_them_says_so_and_passes_where_that_is_on_purpose():
    ran = run_with(CI="true", NAFTIKO_CORPUS="absent")
    assert ran.returncode == 0, ran.stdout
    assert "9 skipped" in ran.stdout
    assert "corpus: NOT CHECKED: NAFTIKO_CORPUS=absent" in ran.stdout


def test_a_run_without_them_fails_where_they_are_required(tmp_path):
    ran = run_with(NAFTIKO_CORPUS=str(tmp_path / "nowhere"))
    assert ran.returncode == 1, ran.stdout
    assert "9 errors" in ran.stdout
    assert "NAFTIKO_CORPUS=absent says that this is on purpose" in ran.stdout
