"""Each bound of the benchmarks against values on both sides of it."""

from __future__ import annotations

import pytest
from bench_reports import report, result, verdict, verdicts

from bench import crowd, executive, limits, render
from bench.results import Cell, Figure, Weight


class TestLimits:
    """Each bound against values on both sides of it."""

    def test_native_call_against_the_faster_bare_loop(self) -> None:
        met = report(result("getppid", native=1e-7, bare=12e-6, bare_pinned=4e-6, trace=4.8e-6))
        assert verdict(met, "NATIVE call (getppid)") == ("1.20 x", "met")
        slow = report(result("getppid", native=1e-7, bare=12e-6, bare_pinned=4e-6, trace=4.9e-6))
        assert verdict(slow, "NATIVE call (getppid)")[1] == "NOT MET"

    def test_python_call_over_native_call(self) -> None:
        rows = (result("getppid", trace=4e-6), result("close_range(1-0)", trace=13e-6))
        assert verdict(report(*rows), "pathless CALL") == ("9.00 us", "met")
        rows = (result("getppid", trace=4e-6), result("close_range(1-0)", trace=15e-6))
        assert verdict(report(*rows), "pathless CALL") == ("11.00 us", "NOT MET")

    def test_start_up_parallel_and_make(self) -> None:
        made = report(
            result("true", native=0.001, trace=0.051),
            result("cpu-alone", trace=1.0),
            result("cpu-together", trace=1.9),
            result("make-j2", native=1.0, trace=2.0),
        )
        assert verdict(made, "start-up") == ("50.00 ms", "met")
        assert verdict(made, "two CPU-bound") == ("1.90 x", "NOT MET")
        assert verdict(made, "make -j2") == ("2.00 x", "met")

    def test_walls(self) -> None:
        made = report(result("true", trace_nt=0.06, walls_nt=0.07), result("stat-hit", trace_nt=1.0, walls_nt=1.3))
        assert verdict(made, "what walls add") == ("10.00 ms", "met")
        assert verdict(made, "none: stat") == ("1.30 x", "NOT MET")

    def test_gate(self) -> None:
        made = report(
            result("getppid", native=1.0, gate_nt=1.2),
            result("stat-hit", native=1.0, gate_nt=1.6),
            result("stat-folded", gate_nt=11.0),
            result("true", native=0.001, gate_nt=0.05),
        )
        assert verdict(made, "native: getppid") == ("1.20 x", "met")
        assert verdicts(made)["gate against native: stat"] == ("1.60 x", "NOT MET")
        assert verdict(made, "stat in another case") == ("11.00 x", "met")
        assert verdict(made, "gate and walls: the start") == ("49.00 ms", "NOT MET")

    def test_workloads_count_from_a_tenth_of_a_second(self) -> None:
        rows = [
            result("short", native=0.09, gate_nt=9.0, traced_nt=9.0),
            result("one", native=0.1, gate_nt=0.1, traced_nt=0.2),
            result("other", native=1.0, gate_nt=4.0, traced_nt=4.0),
        ]
        for row in rows:
            row.kind = "workload"
        made = report(*rows)
        assert verdict(made, "gate: geometric mean of 2") == ("2.00 x", "NOT MET")
        assert verdict(made, "the worst of them (other)") == ("4.00 x", "NOT MET")
        assert verdict(made, "trace -o FILE: geometric mean of 2") == ("2.83 x", "NOT MET")

    def test_memory(self) -> None:
        opens = Weight("trace+linux", "opens", (10, 100), [(10, 30_000_000), (100, 31_500_000)], 33_000_000)
        processes = Weight("trace+linux", "processes", (10, 100), [(10, 30_000_000), (100, 32_000_000)], 41_000_000)
        made = report(weights=(opens, processes))
        assert verdict(made, "from 10 to 100 opens") == ("1.50 MB", "met")
        assert verdict(made, "from 10 to 100 processes") == ("2.00 MB", "NOT MET")
        assert verdict(made, "at its highest") == ("41.00 MB", "NOT MET")

    @pytest.mark.parametrize(
        ("name", "words", "bound_us"),
        [
            (executive.FOLDED_WARM, "folded lookup among 10,000 names", 3),
            (executive.NAMESPACE_OPEN, "three levels deep", 5),
            (executive.HANDLE_LOOKUP, "handle lookup", 5),
            (executive.SHARE_CHECK, "share check", 5),
        ],
    )
    def test_the_executive_s_own_figures(self, name: str, words: str, bound_us: int) -> None:
        for over_us, word in ((-0.01, "met"), (0.01, "NOT MET")):
            figure = Figure(name, "", Cell([(bound_us + over_us) * 1e-6]))
            found = verdicts(report(figures=(figure,)))
            assert [(text, given) for what, (text, given) in found.items() if words in what] == [
                (f"{bound_us + over_us:.2f} us", word)
            ]
            assert [given for _, given in found.values()].count(word) == 1

    def test_a_failed_figure_is_not_judged(self) -> None:
        figure = Figure(executive.SHARE_CHECK, "", Cell([1e-6], failed="no"))
        assert verdict(report(figures=(figure,)), "share check")[1] == "NOT MEASURED"

    def test_a_cold_look_up_has_no_bound(self) -> None:
        figure = Figure(executive.FOLDED_COLD, "", Cell([1.0]))
        assert {found for _, found in verdicts(report(figures=(figure,))).values()} == {"NOT MEASURED"}

    @pytest.mark.parametrize(("row", "words"), [("stat-hit", "stat of"), ("open+close", "open and close")])
    def test_calls_with_names_under_nt_against_proot(self, row: str, words: str) -> None:
        met = report(result(row, native=1e-6, trace=1e-6, trace_nt=25e-6, proot=10e-6))
        assert verdict(met, words) == ("2.50 x", "met")
        slow = report(result(row, native=1e-6, trace=1e-6, trace_nt=26e-6, proot=10e-6))
        assert verdict(slow, words)[1] == "NOT MET"
        alone = report(result(row, native=1e-6, trace=1e-6, trace_nt=26e-6, proot="absent"))
        assert verdict(alone, words)[1] == "NOT MEASURED"

    def test_another_column_is_not_judged(self) -> None:
        other = Weight("reference+linux", "opens", (10, 100), [(10, 1), (100, 2)], 3)
        made = report(result("true", native=0.001, strace=0.002), weights=(other,))
        assert {found for _, found in verdicts(made).values()} == {"NOT MEASURED"}

    def test_a_failed_weight_is_not_judged(self) -> None:
        weight = Weight("trace+linux", "opens", (10, 100), [(10, 1), (100, 2)], 3, failed="status 1")
        assert verdict(report(weights=(weight,)), "at its highest")[1] == "NOT MEASURED"

    def test_a_million_objects(self) -> None:
        weight = Weight("executive", crowd.OBJECTS, (10, 1000), [(10, 1), (1000, 2)], 1_100_000_000)
        figures = (
            Figure(crowd.figure_name("open", 10), "", Cell([2e-6])),
            Figure(crowd.figure_name("open", 1000), "", Cell([3e-6])),
        )
        made = report(weights=(weight,), figures=figures)
        assert verdict(made, "memory of 1,000 handles") == ("1100.00 MB", "NOT MET")
        assert verdict(made, "open among 1,000 of them against 10") == ("1.50 x", "met")
        assert verdict(made, "create among")[1] == "NOT MEASURED"

    def test_each_bound_is_printed_even_when_nothing_was_measured(self) -> None:
        text = render.plain(render.limits_table(limits.judge(report()), smoke=False))
        for bound in ("<= 1.2 x", "<= 10 us", "<= 60 ms", "<= 40 MB", "< 2 MB", "<= 1.1 x", "<= 2.5 x", "<= 3 us"):
            assert bound in text
        assert text.count("<= 5 us") == 3
        assert text.count("<= 2.5 x") == 3
        assert text.count("< 5 s") == 2
        assert text.count("NOT MEASURED") == 48
        assert "10,000 to 100,000 processes" in text

    def test_a_smoke_run_says_that_it_judges_nothing(self) -> None:
        assert "too short" in render.limits_table([], smoke=True).title
