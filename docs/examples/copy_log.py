"""Copy the running local system's transparency log into a folder, as `aws s3 sync` does on AWS.

A second time only what is new is read: no object of the log changes but `checkpoint`. That is read first and written
last, so that a copy promises nothing that it lacks.
"""

import json
import sys
from pathlib import Path
from typing import Any

import boto3

NEWEST = "checkpoint"


def main(folder: str, environment_file: str = ".local/environment.json") -> int:
    """Print how many objects were copied."""
    place = json.loads(Path(environment_file).read_text(encoding="utf-8"))
    emulator = {  # it takes any credentials
        "endpoint_url": place["aws_endpoint_url"],
        "region_name": place["region"],
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }
    stacks = boto3.client("cloudformation", **emulator).describe_stacks()["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for stack in stacks for each in stack.get("Outputs", [])}
    print(copy(boto3.client("s3", **emulator), outputs["LogBucketName"], Path(folder)), "objects copied")
    return 0


def copy(s3: Any, bucket: str, folder: Path) -> int:
    """Copy what is new; gives the number of objects."""
    newest = s3.get_object(Bucket=bucket, Key=NEWEST)["Body"].read()
    copied = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for name in (each["Key"] for each in page.get("Contents", [])):
            path = folder / name
            if name == NEWEST or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=bucket, Key=name)["Body"].read())
            copied += 1
    (folder / NEWEST).write_bytes(newest)
    return copied


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
