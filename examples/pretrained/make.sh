#!/bin/sh
# Makes the model that `ictal detect` uses when none is named, from nothing but this repository:
#
#   sh examples/pretrained/make.sh WORK OUT        (or `make pretrained`)
#
# WORK keeps corpora, signals and run (4 GB); started again, it goes on there. OUT is the model folder.
# Patients of seed 1 are learnt from, their dev part chooses the threshold; patients of seed 1001 are evaluated on, once.
set -eu
work=$1 out=$2
here=$(dirname "$0")
mkdir -p "$work"

# A corpus of 160 patients to learn from and one of 60 to be judged by, as the parts of one.
synth() { [ -e "$work/$1" ] || ictal synth "$work/$1" --patients "$2" --hours "$3" --seed "$4" --seizure-share 0.04 --workers 1; }
synth learn 160 26 1
synth judge 60 10 1001
if [ ! -e "$work/corpus" ]; then
    rm -rf "$work/corpus.partial"
    mkdir -p "$work/corpus.partial/edf/eval"
    cp -al "$work/learn/edf/train" "$work/learn/edf/dev" "$work/corpus.partial/edf/"
    cp -al "$work/learn/edf/eval/." "$work/corpus.partial/edf/train/"
    for part in train dev eval; do cp -al "$work/judge/edf/$part/." "$work/corpus.partial/edf/eval/"; done
    mv "$work/corpus.partial" "$work/corpus"
fi

ictal plan "$work/run" --config "$here/tiny.toml" --corpus.path "$work/corpus" --machine.store "$work/store"
ictal prepare "$work/run"
ictal train "$work/run"
if [ ! -e "$work/run/evaluation.json" ]; then
    ictal evaluate "$work/run" --open-eval || [ $? -eq 1 ] # 1: finished, with findings that the model card names
fi

rm -rf "$work/tiny"
ictal export "$work/run" "$work/tiny" --licence Apache-2.0 \
    --limits "It has learnt from synthetic EEG alone: what it finds in recordings of people shows that the program runs, not what is there."
mkdir -p "$out"
cp "$work/tiny"/* "$out/"
