"""An environment in an AWS account: `make bootstrap`, `deploy`, `protect`, `recover` and `destroy`.

Each prints the `cdk` command that it runs. How they belong together: docs/deploy.md.
"""
