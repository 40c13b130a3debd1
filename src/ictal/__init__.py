"""Train and prove EEG seizure detectors on corpora where seizures are rare."""
