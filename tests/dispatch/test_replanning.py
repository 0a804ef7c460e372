"""What changes when somebody is absent or held up, and what does not."""

from datetime import timedelta

from app.dispatch.api import Assignment, Break, Job, replace_absent, replan
from tests.dispatch.days import FAR, HOUR, MINUTE, at, ident, job, who, why, worker


def going(one: Job, *workers: int, starts: float | None = None) -> Assignment:
    begins = one.wanted_at if starts is None else at(starts)
    return Assignment(one.id, begins, begins + one.duration, tuple(map(ident, workers)))


def test_who_is_absent_is_replaced_and_nothing_else_is_touched() -> None:
    jobs = [job(number, 9 + number) for number in range(4)]
    current = [going(one, 11 + n % 2) for n, one in enumerate(jobs)]
    found = replace_absent(current, jobs, [worker(11), worker(12), worker(13)], [ident(11)], in_progress=[ident(0)])
    assert {one.job_id.int for one in found.untouched} == {0, 1, 3}
    assert list(who(found)) == [2]
    assert 11 not in who(found)[2]


def test_of_two_the_one_who_can_come_stays_at_the_same_time() -> None:
    one = job(1, 9, workers=2, slack=HOUR)
    current = [going(one, 11, 12, starts=9.5)]
    found = replace_absent(current, [one], [worker(11), worker(12), worker(13)], [ident(11)])
    assert [(a.starts_at, [w.int for w in a.workers]) for a in found.assignments] == [(at(9.5), [12, 13])]
    alone = replace_absent(current, [one], [worker(11), worker(12)], [ident(11)])
    assert why(alone) == {1: "hours"}


def test_a_replacement_is_not_sent_to_two_places_at_once() -> None:
    jobs = [job(1, 9), job(2, 9)]
    found = replace_absent([going(jobs[0], 11), going(jobs[1], 12)], jobs, [worker(11), worker(12)], [ident(11)])
    assert (found.assignments, why(found)) == ((), {1: "busy"})


def test_what_an_overrun_does_not_reach_stays_as_it_is() -> None:
    jobs = [job(1, 9), job(2, 10, slack=HOUR), job(3, 11, slack=HOUR)]
    current = [going(one, 11) for one in jobs]
    in_time = replan(current, jobs, [worker(11)], overruns={ident(1): at(10)})
    assert (in_time.untouched, in_time.assignments) == (tuple(current), ())
    late = replan(current, jobs, [worker(11)], overruns={ident(1): at(10.25)})
    assert late.untouched == (current[0], current[2])
    assert [(one.job_id.int, one.starts_at) for one in late.assignments] == [(2, at(10.25))]


def test_whoever_is_held_up_still_comes_where_that_is_in_the_window() -> None:
    jobs = [job(1, 9), job(2, 10, slack=20 * MINUTE)]
    current, both = [going(one, 11) for one in jobs], [worker(11), worker(12)]
    assert who(replan(current, jobs, both, overruns={ident(1): at(10.25)})) == {2: {11}}
    assert who(replan(current, jobs, both, overruns={ident(1): at(10.5)})) == {2: {12}}
    assert why(replan(current, jobs, [worker(11)], overruns={ident(1): at(10.5)})) == {2: "busy"}


def test_the_way_from_where_it_lasts_longer_counts() -> None:
    jobs = [job(1, 9), job(2, 13, place=FAR)]
    current = [going(one, 11) for one in jobs]
    assert replan(current, jobs, [worker(11)], overruns={ident(1): at(10)}).untouched == tuple(current)
    assert why(replan(current, jobs, [worker(11)], overruns={ident(1): at(12)})) == {2: "travel"}


def test_one_of_two_is_late_and_somebody_else_comes_in_time() -> None:
    jobs = [job(1, 9), job(2, 10, workers=2, slack=HOUR)]
    current = [going(jobs[0], 11), going(jobs[1], 11, 12)]
    with_help = replan(current, jobs, [worker(11), worker(12), worker(13)], overruns={ident(1): at(10.25)})
    assert who(with_help) == {2: {12, 13}}
    assert with_help.assignments[0].starts_at == at(10)


def test_where_nobody_comes_instead_both_come_later() -> None:
    jobs = [job(1, 9), job(2, 10, workers=2, slack=HOUR), job(3, 10.75)]
    current = [going(jobs[0], 11), going(jobs[1], 11, 12), going(jobs[2], 12)]
    found = replan(current, jobs, [worker(11), worker(12)], overruns={ident(1): at(10.25)})
    assert (who(found), found.untouched) == ({2: {11, 12}}, (current[0], current[2]))
    assert found.assignments[0].starts_at == at(10.25)


def test_who_is_held_up_has_their_break_all_the_same() -> None:
    pause = Break(at(9), at(10.25), 30 * MINUTE)
    jobs = [job(1, 9), job(2, 10, slack=2 * HOUR), job(3, 12)]
    current = [going(one, 11) for one in jobs]
    found = replan(current, jobs, [worker(11, breaks=(pause,))], overruns={ident(1): at(10)})
    # In time for the second, but then there would be no break.
    assert (found.untouched, [one.starts_at for one in found.assignments]) == ((current[0], current[2]), [at(10.5)])
    # If it is too late for one whatever happens, nobody is kept waiting for it.
    hopeless = replan(current, jobs, [worker(11, breaks=(pause,))], overruns={ident(1): at(11)})
    assert current[2] in hopeless.untouched


def test_what_was_assigned_against_the_rules_is_nobodys_to_change() -> None:
    jobs = [job(1, 9), job(2, 10), job(3, 17)]
    current = [going(one, 11) for one in jobs]
    found = replan(current, jobs, [worker(11, most_work=timedelta())], overruns={ident(1): at(9.75)})
    assert found.untouched == tuple(current)
