"""Which pixels are bad."""
