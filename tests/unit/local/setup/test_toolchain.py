"""Nothing that is started sees the user's AWS account or proxy."""

from pathlib import Path

from local.setup.toolchain import (
    cdk_command,
    cdk_environment,
    clean_environment,
    emulator_environment,
    synth_environment,
)

USER = {
    "HOME": "/home/someone",
    "AWS_PROFILE": "work",
    "AWS_SECRET_ACCESS_KEY": "precious",
    "HTTP_PROXY": "http://proxy",
}


def test_credentials_and_proxies_stay_out() -> None:
    seen = clean_environment(USER)
    assert seen["HOME"] == "/home/someone"
    assert "precious" not in seen.values()
    assert not {"AWS_PROFILE", "HTTP_PROXY"} & seen.keys()


def test_synthesis_keeps_the_proxy_for_the_package_registry_but_no_account() -> None:
    seen = synth_environment(USER)
    assert seen["HTTP_PROXY"] == "http://proxy"
    assert "AWS_PROFILE" not in seen
    assert "precious" not in seen.values()


def test_the_emulator_listens_on_the_loopback_and_writes_below_its_directory() -> None:
    seen = emulator_environment(
        port=4566, athena_port=4567, api_port=4568, host="127.0.0.1", instance="me", data=Path("/state/data")
    )
    assert seen["BIND_HOST"] == "127.0.0.1"
    assert seen["IOT_MTLS_ENABLED"] == "0"
    assert seen["AWS_ENDPOINT_URL_ATHENA"] == "http://127.0.0.1:4567"
    assert seen["ATHENA_PROXY"] == "4567 http://127.0.0.1:4566 me"
    assert seen["GATEWAY_PROXY"] == "4568 http://127.0.0.1:4566 me"
    assert all(seen[name].startswith("/state/data/") for name in ("TMPDIR", "STATE_DIR", "S3_DATA_DIR"))


def test_cdk_is_pointed_at_the_emulator_with_the_pinned_programs() -> None:
    assert cdk_environment("http://127.0.0.1:1")["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    node, cdk, command, *_ = cdk_command("deploy")
    assert node.endswith("/bin/node")
    assert cdk.endswith("/node_modules/aws-cdk/bin/cdk")
    assert command == "deploy"
