"""Training of the networks behind the representations `lenet.*` and `deep.*`. Nothing else here imports Keras."""
