"""Has the deployed sealer seal what is in the lake."""

from __future__ import annotations

from local.emulator import aws
from local.machine.environment import Environment


def outputs(environment: Environment, stack: str) -> dict[str, str]:
    """The outputs of a deployed stack."""
    (found,) = aws.client(environment, "cloudformation").describe_stacks(StackName=f"Daybook-local-{stack}")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


def seal(environment: Environment) -> None:
    """Seal it. Others may seal at the same time."""
    name = outputs(environment, "Sealing")["SealerName"]
    answer = aws.client(environment, "lambda").invoke(FunctionName=name, Qualifier="live", Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
