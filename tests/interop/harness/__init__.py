# The interop harness: namespaces, processes and token exchanges for the cases beside it. Python's
# standard library alone.
