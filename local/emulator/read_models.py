"""Builds the read models after a deployment, by the code of `daybook projections rebuild`."""

from pathlib import Path

from local.machine.errors import DeployFailedError


def build(environment_file: Path) -> list[str]:
    """Build those that have never been built, and give their names. Raises DeployFailedError."""
    # Imported here, for `make stop` needs this package and must work without the packages of `make install`.
    from cli.aws import AWS  # noqa: PLC0415
    from cli.environments.place import place_of  # noqa: PLC0415
    from cli.errors import CommandError  # noqa: PLC0415
    from cli.options import LOCAL, Where  # noqa: PLC0415
    from cli.projections.first_builds import build_missing  # noqa: PLC0415

    try:
        place = place_of(Where(LOCAL, None, environment_file))
        return build_missing(place, AWS().projections(place))
    except CommandError as error:
        raise DeployFailedError(f"The read models could not be built. {error}") from error
