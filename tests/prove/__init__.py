"""The full-size proofs, each in a module of its own and with its sizes as parameters; `test_short` runs them small."""
