"""Name the X-ray scattering technique of every detector frame."""

__version__ = "0.1.0"
