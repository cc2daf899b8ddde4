"""What runs at a desk: training, evaluation, export, back-fill."""
