# The object that is preloaded into other programs.
