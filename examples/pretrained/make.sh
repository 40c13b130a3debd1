#!/bin/sh
# Makes the model that `ictal detect` uses when none is named, from this repository and, if any, from clips of real EEG:
#
#   sh examples/pretrained/make.sh WORK OUT [CLIPS ATTRIBUTION]   (or `make pretrained [CLIPS=folder ATTRIBUTION=text]`)
#
# WORK keeps corpora, signals and run (4 GB); started again, it goes on there. OUT is the model folder.
# Patients of seed 1 are learnt from, their dev part chooses the threshold; patients of seed 1001 are evaluated on, once.
# CLIPS holds PATIENT_*_clip.edf, each with its .csv_bi: contiguous pieces, which are learnt from and never judged by;
# ATTRIBUTION says whose they are and under which licence, for the model card.
set -eu
work=$1 out=$2 clips=${3:-} attribution=${4:-}
[ -z "$clips" ] || [ -n "$attribution" ] || { echo "say whose the clips are, and under which licence" >&2; exit 2; }
here=$(dirname "$0")
mkdir -p "$work"

# A corpus of 160 patients to learn from and one of 60 to be judged by, as the parts of one.
synth() { [ -e "$work/$1" ] || ictal synth "$work/$1" --patients "$2" --hours "$3" --seed "$4" --seizure-share 0.04 --workers 1; }
synth learn 160 26 1
synth judge 60 10 1001
corpus=$work/corpus${clips:+-with-clips} run=$work/run${clips:+-with-clips}
limits="It has learnt from synthetic EEG"
[ -z "$clips" ] || limits="$limits and $(ls "$clips"/*_clip.edf | wc -l) short clips of real EEG"
limits="$limits alone: what it finds in recordings of people shows that the program runs, not what is there."
if [ ! -e "$corpus" ]; then
    rm -rf "$corpus.partial"
    mkdir -p "$corpus.partial/edf/eval"
    cp -al "$work/learn/edf/train" "$work/learn/edf/dev" "$corpus.partial/edf/"
    cp -al "$work/learn/edf/eval/." "$corpus.partial/edf/train/"
    for part in train dev eval; do cp -al "$work/judge/edf/$part/." "$corpus.partial/edf/eval/"; done
    for clip in ${clips:+"$clips"/*_clip.edf}; do
        name=$(basename "$clip" .edf)
        mkdir -p "$corpus.partial/edf/train/${name%%_*}/s001"
        cp "$clip" "${clip%.edf}.csv_bi" "$corpus.partial/edf/train/${name%%_*}/s001/"
    done
    mv "$corpus.partial" "$corpus"
fi

ictal plan "$run" --config "$here/tiny.toml" --corpus.path "$corpus" --machine.store "$work/store"
ictal prepare "$run"
ictal train "$run"
if [ ! -e "$run/evaluation.json" ]; then
    ictal evaluate "$run" --open-eval || [ $? -eq 1 ] # 1: finished, with findings that the model card names
fi

rm -rf "$work/tiny"
ictal export "$run" "$work/tiny" --licence Apache-2.0 --limits "$limits" --attribution "$attribution"
mkdir -p "$out"
cp "$work/tiny"/* "$out/"
