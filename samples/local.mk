# Small programs with a known memory problem each.
