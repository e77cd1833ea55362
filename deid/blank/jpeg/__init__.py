"""Blanking whole blocks of a sequential JPEG image, all other coefficients kept bit for bit."""
