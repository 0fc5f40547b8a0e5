"""Steps: what runs, what does not, and what is told of each."""

from __future__ import annotations

from lambdas.smoke.steps import Step, StepFailedError, StepResult, all_well, run_steps


def fail() -> str:
    raise StepFailedError("GET /x answered 403", "no policy", "the caller's policies")


def steps(second: Step) -> list[Step]:
    return [
        Step(name="first", check=lambda: "seen"),
        second,
        Step(name="third", check=lambda: "seen too", needs=("first", "second")),
        Step(name="fourth", check=lambda: "at last", needs=("third",)),
        Step(name="apart", check=lambda: "alone"),
    ]


def clock() -> float:
    clock.now += 1.5  # type: ignore[attr-defined]
    return float(clock.now)  # type: ignore[attr-defined]


def test_each_step_is_timed_and_told_at_once() -> None:
    clock.now = 0.0  # type: ignore[attr-defined]
    told: list[StepResult] = []
    found = run_steps(steps(Step(name="second", check=lambda: "")), ended=told.append, monotonic=clock)
    assert told == found
    assert [(each.name, each.status, each.seconds) for each in found] == [
        (name, "ok", 1.5) for name in ("first", "second", "third", "fourth", "apart")
    ]
    assert all_well(found)


def test_what_needs_a_failed_step_is_named_as_not_run_and_the_rest_goes_on() -> None:
    found = run_steps(steps(Step(name="second", check=fail)))
    assert [(each.name, each.status) for each in found] == [
        ("first", "ok"), ("second", "failed"), ("third", "not-run"), ("fourth", "not-run"), ("apart", "ok"),
    ]  # fmt: skip
    second = found[1]
    assert (second.what, second.why, second.look_at) == ("GET /x answered 403", "no policy", "the caller's policies")
    assert (found[2].why, found[3].why) == ("it needs: second", "it needs: third")
    assert not all_well(found)


def test_what_is_left_out_is_no_failure_but_what_needs_it_does_not_run() -> None:
    found = run_steps(steps(Step(name="second", check=fail, left_out="--no-lake")))
    assert (found[1].status, found[1].why) == ("left-out", "--no-lake")
    assert found[2].status == "not-run"
    alone = [Step(name="second", check=fail, left_out="--no-lake"), Step(name="apart", check=lambda: "")]
    assert all_well(run_steps(alone))
