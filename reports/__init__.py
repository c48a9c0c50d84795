"""Pure rendering: values in, bytes out."""
