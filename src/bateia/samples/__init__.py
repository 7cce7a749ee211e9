"""The bundled real data."""
