"""The arithmetic and the rendering of the benchmarks; no test here measures anything."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from bench_reports import MACHINE, report, result

from bench import (
    calls,
    columns,
    executive,
    inputs,
    limits,
    machine,
    memory,
    plot,
    render,
    runner,
    session,
    workloads,
)
from bench.build import SOURCES, Programs
from bench.results import SCHEMA, Cell, Figure, Weight, ratio

PROGRAMS = Programs(*(Path("/absent") / name for name in Programs._fields))


class TestNumbers:
    """Medians, ratios and growth."""

    def test_median_is_not_moved_by_one_slow_run(self) -> None:
        assert Cell([1.0, 1.2, 900.0]).median == 1.2

    def test_a_failed_cell_has_no_median_even_with_samples(self) -> None:
        assert Cell([1.0], failed="status 1").median is None
        assert Cell([1.0], missing="absent").median is None
        assert Cell().median is None

    def test_ratio(self) -> None:
        assert ratio(6.0, 2.0) == 3.0
        assert ratio(None, 2.0) is None
        assert ratio(6.0, None) is None
        assert ratio(6.0, 0.0) is None

    def test_bare_is_the_faster_of_the_two_loops(self) -> None:
        assert result("getppid", bare=12e-6, bare_pinned=4e-6, trace=5e-6).to_bare("trace+linux") == pytest.approx(1.25)
        assert result("make-j2", bare=2.0, bare_pinned="one CPU", trace=3.0).to_bare("trace+linux") == 1.5
        assert result("getppid", trace=5e-6).to_bare("trace+linux") is None

    def test_what_a_peer_cannot_run_is_no_failure_of_ours(self) -> None:
        row = result("make-j2", native=1.0, trace=2.0)
        row.cells |= {"runsc": Cell(failed="status 2"), "gate+nt": Cell(failed="status 1")}
        assert report(row).failures() == ["make-j2 under gate+nt: status 1"]

    def test_growth_is_last_mark_minus_first(self) -> None:
        weight = Weight("trace+linux", "opens", (10, 100), [(10, 5000), (100, 7000)], peak=8000)
        assert weight.growth == 2000
        weight.failed = "status 1"
        assert weight.growth is None


class TestRendering:
    """Tables, reasons and the plot."""

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(1.04e-7, "104 ns"), (4.2e-6, "4.2 us"), (12.34e-6, "12.3 us"), (0.0521, "52.1 ms"), (2.0, "2 s")],
    )
    def test_duration(self, seconds: float, text: str) -> None:
        assert render.duration(seconds) == text

    def test_what_is_missing_is_never_a_number(self) -> None:
        made = report(result("getppid", native=1e-7, proot="proot is not installed: install the package proot"))
        medians, native, bare = map(render.plain, render.time_tables(made))
        assert medians.splitlines()[2].split() == ["getppid", "100", "ns", "NOT", "MEASURED"]
        assert native.splitlines()[2].split() == ["getppid", "1.00x", "-"]
        assert bare.splitlines()[2].split() == ["getppid", "-", "-"]
        assert render.reasons(made) == [
            "proot: NOT MEASURED: proot is not installed: install the package proot (every row)"
        ]

    def test_failed_is_told_from_not_measured(self) -> None:
        made = report(result("getppid", native=1e-7), result("pread", native=1e-7))
        made.results[1].cells["native"].failed = "status 1: no"
        assert render.median_text(made.results[1], "native") == "FAILED"
        assert render.reasons(made) == ["native: FAILED: status 1: no (pread)"]
        assert made.failures() == ["pread under native: status 1: no"]

    def test_plain_table_is_aligned(self) -> None:
        lines = render.plain(render.Table("T", ["row", "a"], [["x", "1"], ["longer", "100"]])).splitlines()
        assert lines == ["T", "row       a", "x         1", "longer  100"]

    def test_show_is_plain_in_a_pipe(self, capsys: pytest.CaptureFixture[str]) -> None:
        made = report(result("getppid", native=1e-7))
        render.show(made, limits.judge(made))
        out = capsys.readouterr().out
        assert out.startswith(
            "a <fast> & cheap one, 2 cores, Linux 6.1, Python 3.11, picobox not installed, strace 6.1"
        )
        assert out.isascii()
        assert "\x1b" not in out

    def test_rich_draws_the_same_cells(self, capsys: pytest.CaptureFixture[str]) -> None:
        render.show_rich(render.Table("T", ["row", "verdict"], [["make", "NOT MET"]]))
        out = capsys.readouterr().out
        assert "make" in out
        assert "NOT MET" in out

    def test_memory_table(self) -> None:
        weights = (
            Weight("trace+linux", "opens", (10, 100), [(10, 30_000_000), (100, 31_500_000)], 33_000_000),
            Weight("trace+linux", "processes", (10, 100), missing="absent"),
        )
        rows = render.memory_table(report(weights=weights)).rows
        assert list(rows[0][2:]) == ["30.00 MB after 10, 31.50 MB after 100", "+1.50 MB", "33.00 MB"]
        assert list(rows[1][2:]) == ["NOT MEASURED", "-", "-"]

    def test_every_column_but_the_yardstick_has_its_own_colour(self) -> None:
        assert tuple(plot.COLOURS) == columns.NAMES[1:]
        assert len(set(plot.COLOURS.values())) == len(plot.COLOURS)

    def test_plot_is_well_formed_and_complete(self) -> None:
        made = report(
            result("getppid", native=1e-7, bare=4e-6, trace=5e-6, proot="absent"),
            result("dd", native=1.0, bare=2.0, trace=10.0, proot=100.0),
        )
        root = ET.fromstring(plot.draw(made))
        words = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "50x, 5 us" in words
        assert "proot: NOT MEASURED" in words
        widths = {
            element.get("fill"): float(element.get("width", "0"))
            for element in root.iter("{http://www.w3.org/2000/svg}rect")
            if element.get("height") == str(plot.BAR - 1)
        }
        assert widths[plot.COLOURS["trace+linux"]] == pytest.approx(plot.WIDTH / 2)
        assert widths[plot.COLOURS["proot"]] == pytest.approx(plot.WIDTH)


class TestRecord:
    """The JSON form."""

    def test_json(self, tmp_path: Path) -> None:
        made = report(result("getppid", native=1e-7, trace=5e-6, proot="absent"))
        made.write(tmp_path / "out.json", limits.judge(made))
        record = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        assert record["schema"] == SCHEMA
        assert record["machine"] == MACHINE
        cells = record["rows"][0]["cells"]
        assert cells["trace+linux"]["median"] == 5e-6
        assert cells["trace+linux"]["samples"] == [5e-6]
        assert cells["trace+linux"]["to_native"] == pytest.approx(50)
        assert cells["proot"] == {"not_measured": "absent", "to_native": None, "to_bare": None}
        assert len(record["limits"]) == 48

    def test_figures(self, tmp_path: Path) -> None:
        figures = (Figure("a", "what", Cell([2e-6, 4e-6, 3e-6])), Figure("b", "", Cell(failed="no")))
        made = report(figures=figures)
        made.write(tmp_path / "out.json", ())
        assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["executive"] == [
            {"name": "a", "what": "what", "median": 3e-6, "samples": [2e-6, 4e-6, 3e-6]},
            {"name": "b", "what": "", "failed": "no"},
        ]
        assert made.failures() == ["b: no"]
        assert render.reasons(made) == ["executive: FAILED: no (b)"]
        (table,) = [table for table in render.tables(made, []) if table.title == "Executive"]
        assert table.rows == [["a", "3 us", "what"], ["b", "FAILED", ""]]

    def test_machine_facts_name_the_machine(self) -> None:
        facts = machine.facts()
        assert facts["cpu"]
        assert facts["cores"] >= 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", facts["date"])


class TestColumns:
    """Commands, and what is said of what is not installed."""

    def test_what_is_not_installed_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(columns, "picobox_program", lambda: None)
        monkeypatch.setattr(shutil, "which", lambda _name: None)
        missing = {column.name: column.missing for column in columns.find(PROGRAMS)}
        assert [name for name, reason in missing.items() if reason is None] == ["native", "bare", "bare-pinned"]
        assert "picobox-nt is not installed" in str(missing["trace+linux"])
        assert "proot is not installed" in str(missing["proot"])

    def test_reference_needs_python_ptrace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(columns, "picobox_program", lambda: Path("/v/bin/picobox"))
        monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tmp")
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        found = {column.name: column for column in columns.find(PROGRAMS)}
        assert found["trace+linux"].missing is None
        assert "python-ptrace is not installed" in str(found["reference+linux"].missing)

    def test_commands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(columns, "picobox_program", lambda: Path("/v/bin/picobox"))
        monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tmp")
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
        monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
        commands = {column.name: " ".join(column.command(("true", "-x"))) for column in columns.find(PROGRAMS)}
        assert commands == {
            "native": "true -x",
            "bare": "/absent/bare_loop true -x",
            "bare-pinned": "/absent/bare_loop true -x",
            "trace+linux": "/v/bin/picobox -q --profile linux --unconfined --no-gate -- true -x",
            "trace+nt": "/v/bin/picobox -q --profile nt --unconfined --no-gate -- true -x",
            "walls+nt": "/v/bin/picobox -q --profile nt --policy default --write /tmp --no-gate -- true -x",
            "gate+nt": "/v/bin/picobox -q --profile nt --policy default --write /tmp -- true -x",
            "traced+nt": "/v/bin/picobox trace -q --profile nt --policy default --write /tmp -o /absent/traced"
            " -- true -x",
            "reference+linux": "/v/bin/picobox -q --profile linux --unconfined --platform reference -- true -x",
            "reference+nt": "/v/bin/picobox -q --profile nt --unconfined --platform reference -- true -x",
            "strace": "/bin/strace -f -o /dev/null -- true -x",
            "proot": "/bin/proot true -x",
            "runsc": "/bin/runsc --network=none --platform=ptrace do true -x",
        }
        assert tuple(commands) == columns.NAMES


class TestRunner:
    """Order of runs, and what counts as a failure."""

    @pytest.mark.parametrize(
        "output",
        [b"", b"hello", b"[]", b"{}", b'{"ns": 0, "iterations": 9}', b'{"ns": NaN, "iterations": 9}', b'{"ns": 5}'],
    )
    def test_nonsense_is_refused(self, output: bytes) -> None:
        with pytest.raises(runner.RunError):
            runner.seconds_printed(output)

    def test_printed_time_is_in_seconds(self) -> None:
        assert runner.seconds_printed(b'{"row": "x", "ns": 104.0, "iterations": 9}\n') == pytest.approx(1.04e-7)

    def test_columns_are_interleaved_run_by_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order: list[str] = []

        def sample(row: runner.Row, column: columns.Column, *_rest: object) -> tuple[float, bytes]:
            order.append(f"{row.name} {column.name}")
            return 1.0, b""

        monkeypatch.setattr(runner, "sample", sample)
        row = runner.Row("r", "", "call", ("x",), Path("/absent"))
        chosen = [columns.Column("native", ()), columns.Column("bare", ("b",)), columns.Column("proot", (), "absent")]
        (made,) = runner.measure([row], chosen, {}, runner.Manner(2, pin=False, timeout_s=1))
        assert order == ["r native", "r native", "r bare", "r native", "r bare"]
        assert len(made.cells["native"].samples) == 2
        assert made.cells["proot"].record() == {"not_measured": "absent"}

    def test_a_failure_ends_its_cell_and_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def sample(_row: runner.Row, column: columns.Column, *_rest: object) -> tuple[float, bytes]:
            if column.name == "bare":
                raise runner.RunError("status 9: no")
            return 1.0, b""

        monkeypatch.setattr(runner, "sample", sample)
        row = runner.Row("r", "", "call", ("x",), Path("/absent"))
        chosen = [columns.Column("native", ()), columns.Column("bare", ("b",))]
        (made,) = runner.measure([row], chosen, {}, runner.Manner(3, pin=False, timeout_s=1))
        assert made.cells["bare"].record() == {"failed": "status 9: no"}
        assert made.median("native") == 1.0

    def test_output_that_differs_from_native_is_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runner, "run", lambda *_rest: (1.0, b"other"))
        row = runner.Row("r", "", "workload", ("x",), Path("/absent"))
        manner = runner.Manner(1, pin=False, timeout_s=1)
        assert runner.sample(row, runner.NATIVE, b"other", manner) == (1.0, b"other")
        with pytest.raises(runner.RunError, match="differs from native"):
            runner.sample(row, runner.NATIVE, b"same", manner)

    def test_a_product_that_was_not_made_is_a_failure(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(runner, "run", lambda *_rest: (1.0, b""))
        row = runner.Row("r", "", "workload", ("x",), tmp_path, made=tmp_path / "program")
        with pytest.raises(runner.RunError, match="program was not made"):
            runner.sample(row, runner.NATIVE, b"", runner.Manner(1, pin=False, timeout_s=1))

    def test_a_failed_probe_fails_each_row_of_its_column(self) -> None:
        row = runner.Row("r", "", "call", ("x",), Path("/absent"))
        cell = runner.cell_for(row, columns.Column("bare", ("b",)), {"bare": "cannot run anything: no"})
        assert cell.failed == "cannot run anything: no"

    def test_a_missing_program_and_a_needed_second_cpu(self) -> None:
        row = runner.Row("r", "", "call", ("x",), Path("/absent"), needs=("no-such-program",), parallel=True)
        assert runner.cell_for(row, runner.NATIVE, {}).missing == "no-such-program not installed"
        row = runner.Row("r", "", "call", ("x",), Path("/absent"), parallel=True)
        assert runner.cell_for(row, columns.Column("bare-pinned", ("b",), pinned=True), {}).missing is not None
        assert runner.cell_for(row, columns.Column("bare", ("b",)), {}).missing is None

    def test_a_row_for_some_columns_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ran: list[str] = []

        def sample(_row: runner.Row, column: columns.Column, *_rest: object) -> tuple[float, bytes]:
            ran.append(column.name)
            return 1.0, b""

        monkeypatch.setattr(runner, "sample", sample)
        row = runner.Row("r", "", "call", ("x",), Path("/absent"), only=("trace+nt",))
        chosen = [columns.Column("native", ()), columns.Column("trace+nt", ("p",))]
        (made,) = runner.measure([row], chosen, {}, runner.Manner(2, pin=False, timeout_s=1))
        assert ran == ["trace+nt", "trace+nt"]
        assert made.cells["native"].record() == {"not_measured": "only for trace+nt"}
        assert made.median("trace+nt") == 1.0

    def test_nothing_of_the_user_reaches_a_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PICOBOX_PLATFORM", "reference")
        monkeypatch.setenv("LD_PRELOAD", "x.so")
        assert {"PICOBOX_PLATFORM", "LD_PRELOAD"}.isdisjoint(runner.environment(Path("/absent")))


class TestRows:
    """The rows and their inputs."""

    def test_each_call_row_is_known_to_the_c_program(self) -> None:
        source = (SOURCES / "calls.c").read_text(encoding="utf-8")
        table = re.findall(r'^    \{"([^"]+)", do_', source, re.MULTILINE)
        used = [row.command[1] for row in calls.rows(PROGRAMS, Path("/absent"), inputs.FULL)]
        assert sorted(set(used)) == sorted(table)

    @pytest.fixture
    def every(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[runner.Row]:
        monkeypatch.setattr(inputs, "repository", lambda _root, _files: None)
        return calls.rows(PROGRAMS, tmp_path, inputs.SMOKE) + workloads.rows(PROGRAMS, tmp_path, inputs.SMOKE)

    def test_the_rows_that_limits_read_exist_once(self, every: list[runner.Row]) -> None:
        names = [row.name for row in every]
        assert len(names) == len(set(names))
        assert {"getppid", "close_range(1-0)", "true", "cpu-alone", "cpu-together", "make-j2"} <= set(names)
        assert {"stat-hit", "open+close"} <= set(names)

    def test_rows_are_chosen_by_name(self, every: list[runner.Row]) -> None:
        extras = (session.EXECUTIVE, session.MEMORY)
        chosen, asked = session.choose(every, ("dd", "memory"), extras)
        assert [row.name for row in chosen] == ["dd"]
        assert asked == {"memory"}
        assert session.choose(every, ("dd",), extras)[1] == set()
        assert session.choose(every, None, extras) == (every, {"executive", "memory"})
        with pytest.raises(ValueError, match="unknown rows memory"):
            session.choose(every, ("memory",), ())

    def test_a_reset_takes_away_what_the_row_made(self, every: list[runner.Row], tmp_path: Path) -> None:
        (make,) = [row for row in every if row.name == "make-j2"]
        assert make.made is not None
        assert make.reset is not None
        make.made.touch()
        (tmp_path / "project" / "main.o").touch()
        make.reset()
        assert not make.made.exists()
        assert {path.suffix for path in (tmp_path / "project").iterdir()} == {".c", ""}

    def test_tree_is_the_same_each_time(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            inputs.tree(tmp_path / name, 45)
        found = [
            [(str(p.relative_to(tmp_path / n)), p.stat().st_mtime) for p in sorted((tmp_path / n).rglob("*"))]
            for n in ("a", "b")
        ]
        assert found[0] == found[1]
        assert {mtime for _, mtime in found[0]} == {inputs.OLD}
        assert len(list((tmp_path / "a").rglob("*.txt"))) == 45


class TestCommandLine:
    """Options and mistakes."""

    def test_defaults(self) -> None:
        options = session.parse("bench", [])
        assert (options.rounds, options.rows, options.columns) == (5, None, columns.NAMES)
        assert session.parse("bench", ["--smoke"]).rounds == 1

    @pytest.mark.parametrize("words", [["--columns", "native,windows"], ["--columns", ","], ["--rounds", "0"]])
    def test_mistakes_end_with_2(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            session.parse("bench", words)
        assert caught.value.code == 2
        assert "error: " in capsys.readouterr().err


class TestMemory:
    """Weights without a supervisor."""

    def test_a_column_that_is_not_installed_is_not_weighed(self) -> None:
        column = columns.Column("trace+linux", (), "absent")
        weights = memory.weigh(column, None, Path("/absent"), Path("/absent"), (10, 100))
        assert [weight.record().get("not_measured") for weight in weights] == ["absent", "absent"]

    def test_a_column_that_cannot_run_fails(self) -> None:
        weights = memory.weigh(columns.Column("trace+linux", ("x",)), "no", Path("/absent"), Path("/absent"), (10, 100))
        assert [weight.failed for weight in weights] == ["no", "no"]

    def test_status_is_read_in_bytes(self) -> None:
        size = memory.status_bytes(os.getpid(), "VmRSS")
        assert size % 1024 == 0
        assert size > 0
        with pytest.raises(runner.RunError):
            memory.status_bytes(os.getpid(), "VmNothing")


class TestExecutive:
    """How the executive's own operations are timed, and that each does what its figure says."""

    def test_a_batch_is_timed_without_what_comes_after_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 0.0
        done: list[str] = []

        def run() -> None:
            nonlocal now
            now += 2.0
            done.append("run")

        def after() -> None:
            nonlocal now
            now += 100.0
            done.append("after")

        monkeypatch.setattr(executive, "perf_counter", lambda: now)
        assert executive.time_batch(executive.Operation(run, after), 3) == 2.0
        assert done == ["run", "run", "run", "after"]

    def test_batches_fill_the_budget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 0.0

        def run() -> None:
            nonlocal now
            now += 1e-6

        monkeypatch.setattr(executive, "perf_counter", lambda: now)
        samples = executive.time_batches(executive.Operation(run), 0.1)
        assert samples == pytest.approx([1e-6] * executive.BATCHES)
        assert now == pytest.approx(0.1, rel=0.3)

    def test_each_operation_is_what_it_says(self, tmp_path: Path) -> None:
        for make in (make for _, make in executive.FIGURES.values()):
            with make(tmp_path, inputs.SMOKE) as operation:
                for _ in range(3):
                    operation.run()
                operation.after()

    def test_an_operation_that_does_something_else_fails(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(executive, "stored_name", lambda number: f"{number}")
        with (
            pytest.raises(executive.MeasureError, match="other case"),
            executive.folded_warm(tmp_path, inputs.SMOKE),
        ):
            pass

    def test_a_warm_look_up_never_reads_the_directory(self, tmp_path: Path) -> None:
        made = executive.folded_warm(tmp_path, inputs.SMOKE)
        operation = made.__enter__()
        (tmp_path / "names").chmod(0o711)
        operation.run()
        with pytest.raises(executive.MeasureError, match="read again"):
            made.__exit__(None, None, None)

    def test_nothing_is_measured_without_the_project(self, tmp_path: Path) -> None:
        figures = executive.measure(tmp_path, inputs.SMOKE, "absent")
        assert [figure.cell.record() for figure in figures] == [{"not_measured": "absent"}] * len(executive.FIGURES)


def test_nothing_of_this_machine_is_standard_input(tmp_path: Path) -> None:
    """Another's sandbox may give it away: runsc does, and /dev/null would be nobody's."""
    (tmp_path / "work").mkdir()
    _, said = runner.run(["/usr/bin/stat", "-Lc", "%F", "/proc/self/fd/0"], tmp_path / "work", 30)
    assert said == b"regular empty file\n"
