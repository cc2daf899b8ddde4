"""Classifiers: exported models, served without pickle."""
