"""Plants the register's faults in a copy of the program, one at a time, and looks whether the row's test notices.

A test that cannot fail is worse than none. Each fault here brings back, in a line or two, what the row of the register
forbids; its test must then fail. Run: `python tests/incidents/faults.py [ROW ...]`, for example `a2 f3`; all of them
take some minutes. `test_faults.py` keeps the list true to the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "ictal"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Args:
        test: What must fail; its name begins with the row.
        path: File of the package.
        right: Text that occurs in it once.
        wrong: What stands there instead.
    """

    test: str
    path: str
    right: str
    wrong: str

    @property
    def row(self) -> str:
        """Row of the register."""
        return self.test.split("_")[1]


FAULTS = (
    Fault(
        test="test_a1_all_zero_labels_stop_the_build",
        path="recordings/annotations/tusz.py",
        right="        if match is None:\n",
        wrong="        if match is None and line < len(_HEADER):\n",
    ),
    Fault(
        test="test_a2_a_missing_annotation_is_not_no_seizure",
        path="recordings/corpus.py",
        right="        annotation = beside.read(annotations_of(recording)[0], recording.edf)\n",
        wrong="        if not beside.find_all(recording.edf):\n            continue\n"
        "        annotation = beside.read(annotations_of(recording)[0], recording.edf)\n",
    ),
    Fault(
        test="test_a3_every_seizure_type_is_a_seizure",
        path="recordings/labels.py",
        right=', "atsz", "mysz"]',
        wrong=', "atsz"]',
    ),
    Fault(
        test="test_a4_nothing_is_scored_without_a_reference",
        path="recipes/score.py",
        right="    if (found == 0) != no_seizures_expected:\n",
        wrong="    if found and no_seizures_expected:\n",
    ),
    Fault(
        test="test_a5_samples_where_seconds_were_meant_are_refused",
        path="recordings/annotations/tusz.py",
        right="    if event.stop_s > duration_s + TOLERANCE_S:\n",
        wrong="    if event.stop_s < 0:\n",
    ),
    Fault(
        test="test_a6_an_annotation_of_another_length_sets_the_recording_aside",
        path="recordings/corpus.py",
        right="    if not agrees or last_s >",
        wrong="    if last_s >",
    ),
    Fault(
        test="test_a7_events_to_mask_to_events_is_the_identity_on_the_grid",
        path="timeline/spans.py",
        right=" * rate_hz + 0.5)",
        wrong=" * rate_hz)",
    ),
    Fault(
        test="test_a8_a_window_inside_a_seizure_is_fully_ictal",
        path="windows/labels.py",
        right="        return self._ictal.inside(first, last)\n",
        wrong="        found = self._ictal.inside(first, last)\n"
        "        return np.where(found == last - first, 0, found)\n",
    ),
    Fault(
        test="test_a9_an_event_of_0_7_s_is_scored",
        path="scoring/szcore.py",
        right="    vanished = stop <= onset\n"
        "    onset = np.minimum(np.where(vanished, local[:, 0] // TICKS_PER_S, onset), lengths[recording] - 1)\n"
        "    stop = np.minimum(np.maximum(stop, onset + 1), lengths[recording])\n",
        wrong="",
    ),
    Fault(
        test="test_a10_a_discontinuous_recording_is_refused",
        path="recordings/edf.py",
        right="    if gaps:\n",
        wrong='    if gaps and fixed.plus == "C":\n',
    ),
    Fault(
        test="test_b1_the_index_is_exact_and_what_it_cannot_give_is_an_error_with_counts",
        path="windows/plan.py",
        right="        if wanted > part.stream.epoch_size:\n",
        wrong="        if wanted < 0:\n",
    ),
    Fault(
        test="test_b3_the_composition_is_counted_before_step_0_and_at_every_step",
        path="training/guards.py",
        right="        if found == planned and same:\n",
        wrong="        if found >= 0:\n",
    ),
    Fault(
        test="test_b4_an_unused_setting_is_an_error",
        path="recipes/config.py",
        right='extra="forbid"',
        wrong='extra="ignore"',
    ),
    Fault(
        test="test_b5_an_index_goes_by_the_content_of_its_inputs",
        path="windows/index.py",
        right="            digest.update(np.ascontiguousarray(recording.seizures).tobytes())\n",
        wrong="",
    ),
    Fault(
        test="test_b6_every_window_is_seen_and_the_order_changes_with_each_epoch",
        path="windows/plan.py",
        right='those with a seizure first: shape (steps, size)."""\n        number = np.arange(first_step, stop_step)',
        wrong='those with a seizure first: shape (steps, size)."""\n'
        "        number = np.arange(first_step, stop_step) % (self.steps_per_epoch // 2)",
    ),
    Fault(
        test="test_b7_correcting_the_rarity_twice_is_refused_with_the_product",
        path="windows/prior.py",
        right="    if corrected_twice and not allow_double_correction:\n",
        wrong="    if corrected_twice and allow_double_correction is None:\n",
    ),
    Fault(
        test="test_b8_the_correction_is_in_the_unit_that_the_loss_averages_over",
        path="windows/prior.py",
        right="time_step=ictal / labelled)",
        wrong="time_step=plan.seizure_share)",
    ),
    Fault(
        test="test_b9_every_part_holds_seizures_wherever_they_lie_in_the_alphabet",
        path="windows/splits.py",
        right="            missed[missing == 0] = np.inf\n",
        wrong="            missed[missing < 0] = np.inf\n",
    ),
    Fault(
        test="test_b10_no_patient_and_no_seizure_fills_the_batches",
        path="windows/streams.py",
        right="np.minimum(self._cycle, most_per_patient(self._cycle, self.patient_share_max))",
        wrong="self._cycle",
    ),
    Fault(
        test="test_b11_every_rank_has_its_quota_and_no_two_ranks_draw_the_same",
        path="windows/plan.py",
        right='those with a seizure first: shape (steps, size)."""\n'
        "        number = np.arange(first_step, stop_step) * self.ranks + self.rank\n",
        wrong='those with a seizure first: shape (steps, size)."""\n'
        "        number = np.arange(first_step, stop_step) * self.ranks\n",
    ),
    Fault(
        test="test_b12_quotas_are_on_windows_and_not_on_files",
        path="windows/plan.py",
        right="        return fraction_of(self.config.seizure_windows)\n",
        wrong="        return fraction_of(self.config.seizure_windows / 2)\n",
    ),
    Fault(
        test="test_b13_the_same_signal_under_another_patient_stops_preparation_and_training",
        path="windows/leakage.py",
        right="        if before.patient != signal.patient:\n",
        wrong="        if before.patient is None:\n",
    ),
    Fault(
        test="test_c2_labels_are_no_part_of_what_is_stored",
        path="signals/fingerprint.py",
        right="        fingerprint = content_hash(file)\n",
        wrong="        import zlib\n        fingerprint = content_hash(file) + f'{zlib.crc32(str(file).encode())}'\n",
    ),
    Fault(
        test="test_c3_training_never_builds",
        path="recipes/signals.py",
        right="    if not store.place.exists():\n        raise _not_prepared(run, labelled[0].recording.id)\n",
        wrong="    for one in labelled:\n        store.build(one.header, run.config.signals)\n",
    ),
    Fault(
        test="test_c4_planning_and_training_anew_delete_nothing",
        path="recipes/prepare.py",
        right="    upkeep.require_readable(store)\n",
        wrong='    for path in Path(machine.store).glob("*.*"):\n        path.unlink()\n',
    ),
    Fault(
        test="test_c5_a_half_written_file_is_never_taken_for_a_recording",
        path="signals/store.py",
        right="        if checksum != recording.entry.checksum:\n",
        wrong="        if not checksum:\n",
    ),
    Fault(
        test="test_c6_one_bad_edf_is_set_aside_and_the_others_are_built",
        path="recordings/corpus.py",
        right="            if not is_quarantine(error):\n                raise\n",
        wrong="            raise\n",
    ),
    Fault(
        test="test_c7_missing_electrodes_are_refused_by_name",
        path="recordings/montages.py",
        right='    elif weights is None and policy == "mask":\n',
        wrong="    elif weights is None:\n",
    ),
    Fault(
        test="test_c8_the_average_is_of_valid_channels_only",
        path="recordings/montages.py",
        right="    terms = _from_electrodes(channel, measured)\n",
        wrong="    terms = _from_electrodes(channel)\n",
    ),
    Fault(
        test="test_c10_an_odd_start_date_costs_a_note_and_not_the_recording",
        path="recordings/edf.py",
        right="    if numbers is None:\n        return nothing\n",
        wrong="    if numbers is None:\n        raise ValueError(text)\n",
    ),
    Fault(
        test="test_d1_the_split_is_by_patient_and_by_burden_and_not_by_the_alphabet",
        path="windows/splits.py",
        right="        parts = _by_patient(recordings, _BALANCED[config.method](_burden(recordings), config))\n",
        wrong="        fifth = len(recordings) // 5\n        parts = {\n"
        '            "train": tuple(range(3 * fifth)),\n            "dev": tuple(range(3 * fifth, 4 * fifth)),\n'
        '            "eval": tuple(range(4 * fifth, len(recordings))),\n        }\n',
    ),
    Fault(
        test="test_d2_disjointness_is_that_of_the_index_that_batches_are_drawn_from",
        path="recipes/plan.py",
        right='index.select(split["train"])',
        wrong='index.select((*split["train"], *split["dev"]))',
    ),
    Fault(
        test="test_d3_chb01_and_chb21_are_one_child",
        path="recordings/layouts/chbmit.py",
        right='"chb21": "chb01", ',
        wrong="",
    ),
    Fault(
        test="test_d4_the_eval_part_is_locked_and_every_opening_is_recorded",
        path="recipes/opening.py",
        right="    if not allowed:\n",
        wrong="    if not allowed and not before:\n",
    ),
    Fault(
        test="test_e1_a_falling_loss_is_not_taken_for_learning",
        path="training/guards.py",
        right="self.skill += share * (self.prior.skill(observation.loss) - self.skill)",
        wrong="self.skill += share * (1 - observation.loss / self.first_loss - self.skill)",
    ),
    Fault(
        test="test_e2_a_stopped_run_has_a_verdict_with_evidence_and_an_exit_code",
        path="cli.py",
        right="        console.stopped(stop, run)\n        return GUARD\n",
        wrong="        console.stopped(stop, run)\n        return 0\n",
    ),
    Fault(
        test="test_e3_the_first_step_is_far_below_the_peak",
        path="training/optimiser.py",
        right="    if step < warmup_steps:\n",
        wrong="    if 0 < step < warmup_steps:\n",
    ),
    Fault(
        test="test_e4_a_resumed_run_is_the_uninterrupted_one_bit_for_bit",
        path="training/loop.py",
        right="            self.optimiser.load_state_dict(state.optimiser)\n",
        wrong="",
    ),
    Fault(
        test="test_e4_a_resumed_run_remembers_its_best_model_and_its_patience",
        path="training/loop.py",
        right="            self.selection.load_state_dict(state.selection)\n",
        wrong="",
    ),
    Fault(
        test="test_e5_a_number_that_is_none_stops_before_it_reaches_the_weights",
        path="training/guards.py",
        right="        broken = [name for name, fine in finite.items() if not fine]\n",
        wrong="        broken = []\n",
    ),
    Fault(
        test="test_e6_no_gradient_goes_through_an_eigenvalue_decomposition",
        path="recordings/interpolation.py",
        right="import numpy as np\n",
        wrong="import numpy as np\nfrom numpy.linalg import eigh  # noqa: F401\n",
    ),
    Fault(
        test="test_e7_the_model_is_never_replaced_by_another",
        path="models/backends.py",
        right='        return f"device {device}", "a CUDA device"\n',
        wrong="        return None\n",
    ),
    Fault(
        test="test_e8_every_parameter_gets_a_gradient",
        path="models/detector.py",
        right="        assert 0 < drawn_prior < 1, drawn_prior\n",
        wrong="        self.unused = nn.Linear(2, 2)\n",
    ),
    Fault(
        test="test_e10_evaluation_scores_time_steps_and_shows_how_far_it_is",
        path="recipes/evaluate.py",
        right="        progress(done, len(numbers))\n",
        wrong="",
    ),
    Fault(
        test="test_f1_hours_and_seizures_are_those_of_the_recordings",
        path="recipes/evaluate.py",
        right="durations_s=tuple(planned.labelled[n].duration_s for n in numbers)",
        wrong="durations_s=tuple(5 * planned.labelled[n].duration_s for n in numbers)",
    ),
    Fault(
        test="test_f2_recordings_are_not_laid_on_one_time_axis",
        path="scoring/eventlists.py",
        right="    ends = np.cumsum(durations + SEPARATION_TICKS)\n",
        wrong="    ends = np.cumsum(durations) + SEPARATION_TICKS\n",
    ),
    Fault(
        test="test_f3_an_unreachable_target_is_a_result_of_its_own_kind",
        path="detection/tuning.py",
        right="    allowed = finding[false_alarms_per_24h[finding] <= target_per_24h]\n",
        wrong="    allowed = finding\n",
    ),
    Fault(
        test="test_f4_a_patient_without_predictions_is_named_and_not_dropped_in_silence",
        path="scoring/summary.py",
        right='"current": _macro(per_patient, _current_f1, generator)',
        wrong='"current": _macro(per_patient, _legacy_f1, generator)',
    ),
    Fault(
        test="test_f5_a_missing_or_wrong_length_hypothesis_is_an_error",
        path="recipes/score.py",
        right="    if missing and not missing_as_silence:\n",
        wrong="    if missing and missing_as_silence is None:\n",
    ),
    Fault(
        test="test_f6_post_processing_is_in_seconds_whatever_the_rate",
        path="detection/events.py",
        right="math.ceil(rule.merge_gap_s * rate_hz",
        wrong="math.ceil(rule.merge_gap_s",
    ),
    Fault(
        test="test_f7_every_recording_has_its_own_file_that_reads_back_the_same",
        path="recordings/annotations/bids.py",
        right='f"{stop_s - onset_s:.{decimals}f}"',
        wrong='f"{stop_s:.{decimals}f}"',
    ),
    Fault(
        test="test_f8_rates_come_with_intervals_over_patients",
        path="scoring/summary.py",
        right="patient_bootstrap(per_patient, generator",
        wrong="patient_bootstrap(per_recording, generator",
    ),
    Fault(
        test="test_f9_the_drawn_prior_is_taken_back_and_the_threshold_comes_from_the_tuning_part",
        path="detection/calibration.py",
        right="    return np.asarray(logits, dtype=np.float64) + prior_offset(natural, drawn)\n",
        wrong="    return np.asarray(logits, dtype=np.float64)\n",
    ),
)


def main(rows: list[str]) -> None:
    """Plant those of the rows that are named, or all; exit with 1 if one is not noticed."""
    unnoticed = 0
    for fault in FAULTS:
        if rows and fault.row not in rows:
            continue
        with tempfile.TemporaryDirectory() as folder:
            planted = Path(folder, "src")
            shutil.copytree(ROOT / "src", planted, ignore=shutil.ignore_patterns("__pycache__"))
            path = planted / "ictal" / fault.path
            path.write_text(path.read_text().replace(fault.right, fault.wrong))
            said = _run(fault.test, planted)
        # An error is one of the run that the test is to look at: the program itself has refused to make it.
        noticed = any(f"{how} tests/incidents/{_file(fault)}::{fault.test}" in said for how in ("FAILED", "ERROR"))
        unnoticed += not noticed
        print(f"{fault.row:4} {'noticed' if noticed else 'NOT NOTICED'}  {fault.test}", flush=True)
        if not noticed:
            print(said)
    sys.exit(unnoticed > 0)


def _file(fault: Fault) -> str:
    (path,) = (p for p in (ROOT / "tests" / "incidents").glob("test_*.py") if f"def {fault.test}(" in p.read_text())
    return path.name


def _run(test: str, source: Path) -> str:
    """What pytest says of one test, with the package of that folder."""
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "tests/incidents",
        "-x",
        "-q",
        "-k",
        test,
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
