"""Public fakes that pass the same contract tests as the real parts."""
