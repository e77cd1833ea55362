"""Text burned into pixels: reading it, and judging what may stay."""
