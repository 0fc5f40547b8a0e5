"""Third-party packages for the Lambda runtime, installed by pip as wheels for its platform. No Docker."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import jsii
from aws_cdk import (
    AssetHashType,
    BundlingOptions,
    DockerImage,
    ILocalBundling,
)
from aws_cdk.aws_lambda import Architecture, Code, LayerVersion, Runtime
from constructs import Construct

PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
UNUSED = ("bin", "*/test", "*/tests", "*/*.pyi", "*.dist-info/INSTALLER", "*.dist-info/RECORD", "*.dist-info/REQUESTED")
"""What no function runs: scripts, packages' own tests, type stubs, and pip's notes on what it did.

A package's metadata stays: some read their entry points when they are imported, Amazon Inspector finds vulnerable
packages of a layer by it, and the licences stand beside it.
"""
_NOT_WHAT_WAS_LOCKED = "DO NOT MATCH THE HASHES"


class PackageInstallError(RuntimeError):
    """pip could not install the packages: no network, no wheel for the platform, or not what was locked."""


@jsii.implements(ILocalBundling)
class PipBundling:
    """Installs a requirements file into `OUTPUT/python`, where a Lambda layer is looked up."""

    def __init__(self, *, requirements: Path, python_version: str, platform: str) -> None:
        self._requirements = requirements
        self._python_version = python_version
        self._platform = platform

    def command(self, target: Path) -> list[str]:
        """The pip call. What is deployed is what the file locks, by hash, transitive packages included."""
        options = {
            "--platform": self._platform,
            "--python-version": self._python_version,
            "--implementation": "cp",
            "--only-binary": ":all:",
            "--requirement": str(self._requirements),
            "--target": str(target),
        }
        pairs = [word for option in options.items() for word in option]
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-color"]
        exactly = ["--require-hashes", "--no-deps", "--no-compile"]
        return [sys.executable, "-m", "pip", "install", *quiet, *exactly, *pairs]

    def try_bundle(self, output_dir: str, *_args: object, **_options: object) -> bool:
        """Called by the CDK. Raises PackageInstallError; returning False would start Docker."""
        target = Path(output_dir, "python")
        done = subprocess.run(self.command(target), capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            changed = _NOT_WHAT_WAS_LOCKED in done.stderr
            why = (
                "A downloaded package is not the one that was locked." if changed else "Is the package index reachable?"
            )
            raise PackageInstallError(
                f"pip could not install {self._requirements.name} for {self._platform}, Python "
                f"{self._python_version}. {why}\n{done.stderr.strip()}"
            )
        remove_unused(target)
        return True

    def fingerprint(self) -> str:
        """Changes with the lock, the Python version, the platform and what is removed, and with nothing else."""
        identity = "\n".join((self._requirements.read_text(), self._python_version, self._platform, *UNUSED))
        return hashlib.sha256(identity.encode()).hexdigest()


def remove_unused(target: Path) -> None:
    """Remove what UNUSED describes from a folder of installed packages."""
    for pattern in UNUSED:
        for found in list(target.glob(pattern)):
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()


class PythonPackages(LayerVersion):
    """A layer of the packages that a requirements file locks, each with its hashes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        requirements: Path,
        runtime: Runtime,
        architecture: Architecture,
    ) -> None:
        bundling = PipBundling(
            requirements=requirements,
            python_version=runtime.name.removeprefix("python"),
            platform=PLATFORMS[architecture.name],
        )
        code = Code.from_asset(
            str(requirements.parent),
            exclude=["*", f"!{requirements.name}"],
            asset_hash=bundling.fingerprint(),
            asset_hash_type=AssetHashType.CUSTOM,
            bundling=BundlingOptions(
                image=DockerImage.from_registry("scratch"),  # never started: the local bundling always answers
                local=bundling,
            ),
        )
        super().__init__(
            scope,
            construct_id,
            code=code,
            compatible_architectures=[architecture],
            compatible_runtimes=[runtime],
        )
